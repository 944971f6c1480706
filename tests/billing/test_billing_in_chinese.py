"""Billing for who reads Chinese: what the database keeps in English is said again in Chinese."""

import io
import re
from datetime import UTC, date, datetime

import pytest
from django.core import mail
from django.utils import translation
from pypdf import PdfReader
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Membership, User
from billing import ledger, memos, money, notices, statement_pdf, topup, topup_words
from billing.models import Alert, LedgerAccount, Transfer
from billing.statement import Line
from tests.accounts.teams import join
from tests.billing import topups
from tests.billing.stripe_desk import Desk
from tests.cast import Customer

CHINESE = "zh-hans"
MOMENT = datetime(2028, 2, 29, 9, 5, tzinfo=UTC)
PLACES = {
    "sum": "$25.00",
    "why": topup_words.DECLINED,
    "declines": 3,
    "days": 3,
    "moment": MOMENT.strftime(topup_words.MOMENT),
    "day": MOMENT.strftime(topup_words.DAY),
}
TOLD = [
    one % PLACES
    for name, one in vars(topup_words).items()
    if name.isupper() and isinstance(one, str) and name not in {"DAY", "MOMENT"}
]
STRIPES_OWN = [topup_words.NOT_ADDED % (PLACES | {"why": one}) for one in topup_words.STRIPE_SAYS]
MEMOS = [
    one % {"code": "SPRING", "model": "A model", "resolution": "720p", "seconds": 5, "missing": 2}
    for name, one in vars(memos).items()
    if name.isupper() and isinstance(one, str)
]
ENGLISH_WORD = re.compile(r"[a-z]{3,}")


def speak_chinese(customer: Customer) -> None:
    User.objects.filter(pk=customer.user.pk).update(language=CHINESE)


@pytest.mark.parametrize("told", [*TOLD, *STRIPES_OWN])
def test_what_is_told_of_a_top_up_is_said_in_the_readers_language(told: str) -> None:
    assert topup_words.said(told) == told
    if told in topup_words.STRIPE_SAYS:
        return
    with translation.override(CHINESE):
        said = topup_words.said(told)
    assert said != told
    assert not ENGLISH_WORD.search(said)


def test_sentences_that_were_told_together_are_said_together() -> None:
    told = f"{topup_words.NOT_ADDED} {topup_words.NEXT_TRY}" % PLACES
    with translation.override(CHINESE):
        said = topup_words.said(told)
    assert said.startswith("未能充值 $25.00")
    assert "你的银行卡被拒绝。未扣费。我们会在 2月29日 09:05 UTC 重试。" in said
    assert topup_words.said(told) == told


def test_what_nobody_expected_stripe_to_say_stays_as_it_is() -> None:
    told = topup_words.NOT_ADDED % (PLACES | {"why": "The moon is full."})
    with translation.override(CHINESE):
        assert "The moon is full." in topup_words.said(told)
        assert topup_words.said("Something else.") == "Something else."


@pytest.mark.parametrize("memo", MEMOS)
def test_a_memo_is_said_in_the_readers_language(memo: str) -> None:
    assert memos.said(memo) == memo
    with translation.override(CHINESE):
        assert memos.said(memo) != memo


def test_the_statement_is_chinese_on_the_page_and_english_for_programs(alice: Customer) -> None:
    speak_chinese(alice)
    ledger.deposit(
        alice.account,
        money.parse("1.5"),
        source=LedgerAccount.Code.STRIPE,
        kind=Transfer.Kind.PURCHASE,
        reference="purchase:1",
        memo=memos.REFUND_FAILED,
    )
    page = alice.browser.get("/billing").content.decode()
    assert "退款未能到达你的银行卡" in page
    assert memos.REFUND_FAILED not in page
    table = alice.browser.get("/billing/statement.csv").getvalue()
    assert memos.REFUND_FAILED in table.decode()


def test_the_pdf_of_a_month_is_chinese() -> None:
    movement = Line(MOMENT, "capture", "A model · 720p · 5 s", 1_000_000, 0, "job:1", None)
    with translation.override(CHINESE):
        drawn = statement_pdf.draw(
            statement_pdf.Month("奔马", "0b0e", date(2028, 2, 1), date(2028, 3, 1), 0, [movement])
        )
    (page,) = PdfReader(io.BytesIO(drawn)).pages
    text = page.extract_text().replace("\n", "")
    for words in ("账单明细", "2028年2月", "账户", "期初余额", "2月29日", "720p", "秒", "奔马"):
        assert words in text
    assert "?" not in text


def test_a_long_chinese_line_is_wrapped() -> None:
    movement = Line(MOMENT, "capture", "影片" * 200, 1_000_000, 0, "job:1", None)
    drawn = statement_pdf.draw(
        statement_pdf.Month("马", "0b0e", date(2028, 2, 1), date(2028, 3, 1), 0, [movement])
    )
    (page,) = PdfReader(io.BytesIO(drawn)).pages
    lines = [line for line in page.extract_text().splitlines() if "影片影片" in line]
    assert len(lines) > 5
    assert "".join(lines).count("影片") >= 190


def test_a_declined_top_up_is_mailed_in_the_language_of_each_reader(
    bob: Customer,
    desk: Desk,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    speak_chinese(bob)
    join(bob, "carla", Membership.Role.BILLING)
    topups.low(desk, bob, topups.DECLINES_LATER)
    with django_capture_on_commit_callbacks(execute=True):
        topup.attempt(bob.account)
    subjects = {tuple(letter.to): letter.subject for letter in mail.outbox}
    assert subjects == {
        ("bob@example.org",): "未能自动充值 $25.00",
        ("carla@example.org",): "We could not top up $25.00",
    }
    (chinese,) = (letter for letter in mail.outbox if letter.to == ["bob@example.org"])
    assert "你的银行卡被拒绝。未扣费。" in chinese.body
    assert "打开账单页面" in chinese.body
    (html,) = chinese.alternatives  # type: ignore[attr-defined]  # the mail has HTML beside it
    assert '<html lang="zh-hans">' in html[0]
    assert "每月" not in html[0]
    page = bob.browser.get("/billing").content.decode()
    assert "你的银行卡被拒绝。未扣费。" in page
    assert "You were not charged" not in page


def test_an_alert_in_test_mode_says_so_in_chinese(tess: Customer) -> None:
    speak_chinese(tess)
    alert = Alert(account=tess.account, kind=Alert.Kind.LOW_BALANCE, threshold_micros=5_000_000)
    notices.reach(tess.account, "alert", alert=alert, figure_micros=1_500_000)
    (letter,) = mail.outbox
    assert letter.subject == "[测试模式] 你的余额仅剩 $1.50"


@pytest.mark.parametrize(
    ("address", "fields", "says"),
    [
        ("/billing", {"pack": "other", "amount": "abc"}, "请填写美元金额"),
        ("/billing", {"pack": "other", "amount": "1"}, "请选择 $5.00 至 $500.00 之间的金额。"),
        ("/billing/code", {"code": "NONE"}, "兑换码无效或已失效"),
        ("/billing/alerts", {"kind": "spend", "threshold_micros": "0"}, "请填写大于零的金额。"),
    ],
)
def test_a_refusal_is_chinese(
    alice: Customer, address: str, fields: dict[str, str], says: str
) -> None:
    speak_chinese(alice)
    assert says in alice.browser.post(address, fields).content.decode()
