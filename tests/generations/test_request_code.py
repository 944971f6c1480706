"""The page of a film shows its own request, in code that says the same in three languages."""

import ast
import json
import re
import shlex

from generations import request_code
from tests.cast import Customer
from tests.generations import stage
from tests.generations.wall import hang


def test_the_code_is_this_very_request(alice: Customer) -> None:
    prompt = 'It\'s "gold" \\ $HOME `id` </pre> {x} %s\nnew 🐎'
    job = stage.job(alice, prompt=prompt)
    by_tab = {sample.tab: sample.code for sample in request_code.samples(job)}

    words = shlex.split(by_tab["curl"].replace("\\\n", " "))
    assert words[0] == "curl"
    assert words[1].endswith(f"/api/v3/{job.model}")
    assert json.loads(words[words.index("-d") + 1]) == job.inputs
    tree = ast.parse(by_tab["python"])
    [call] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "client.run"
    ]
    assert [ast.literal_eval(part) for part in call.args] == [job.model, job.inputs]
    [literal] = re.findall(
        r"await gallop\(\"[^\"]+\", (\{.*?\n\})\);", by_tab["javascript"], re.DOTALL
    )
    assert json.loads(literal) == job.inputs


def test_the_page_shows_the_code_as_text(alice: Customer) -> None:
    [job] = hang(alice.account, {"prompt": "</pre><script>alert(1)</script>"})
    page = alice.browser.get(f"/films/{job.pk}").content.decode()
    assert "<script>alert" not in page
    assert "client.run" in page
