"""The code that asks for a film once more: its own settings, in three languages, to be copied."""

import json
import shlex
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

from generations.models import Generation

CURL = """curl {address} \\
  -H "Authorization: Bearer $GALLOP_KEY" \\
  -H "Content-Type: application/json" \\
  -d {body}"""

PYTHON = """import os
from wavespeed import Client

client = Client(os.environ["GALLOP_KEY"], base_url={base})
film = client.run({model}, {inputs})
print(film["outputs"][0])"""

JAVASCRIPT = """const gallop = async (path, body) => {{
  const answer = await fetch({base} + "/api/v3/" + path, {{
    method: body ? "POST" : "GET",
    headers: {{
      Authorization: "Bearer " + process.env.GALLOP_KEY,
      "Content-Type": "application/json",
    }},
    body: JSON.stringify(body),
  }});
  const {{ code, message, data }} = await answer.json();
  if (code !== 200) throw new Error(message);
  return data;
}};

let film = await gallop({model}, {inputs});
while (!["completed", "failed"].includes(film.status)) {{
  await new Promise((resume) => setTimeout(resume, 5000));
  film = await gallop("predictions/" + film.id + "/result");
}}
console.log(film.error || film.outputs[0]);"""


@dataclass(frozen=True)
class Sample:
    """One language: `tab` is how tabs.js remembers it."""

    tab: str
    title: str
    code: str


def samples(generation: Generation) -> list[Sample]:
    """Return the request of this job; strings and whole numbers are written alike in all three."""
    inputs = json.dumps(generation.inputs, ensure_ascii=False, indent=4)
    words = {
        "base": json.dumps(settings.PUBLIC_URL),
        "model": json.dumps(generation.model),
        "inputs": inputs,
    }
    path = reverse("api_submit", kwargs={"model": generation.model})
    body = shlex.quote(json.dumps(generation.inputs, ensure_ascii=False, indent=2))
    curl = CURL.format(address=settings.PUBLIC_URL + path, body=body)
    return [
        Sample("curl", "curl", curl),
        Sample("python", "Python", PYTHON.format(**words)),
        Sample("javascript", "JavaScript", JAVASCRIPT.format(**words)),
    ]
