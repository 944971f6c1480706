"""An invoice as a one-page PDF, written out by hand: text in a built-in font needs no library."""

from . import money
from .page import day
from .store import Json

LEADING = 20


def invoice(body: Json) -> bytes:
    currency = body["currency"]
    lines = [f"Invoice {body['number']}", "Sandbox: no real money moved", day(body["created"])]
    lines += [body["customer_email"] or "", ""]
    lines += [
        f"{line['quantity']} x {line['description']}: {money.show(line['amount'], currency)}"
        for line in body["lines"]["data"]
    ]
    tax = body["total"] - body["total_excluding_tax"]
    lines += [f"Tax: {money.show(tax, currency)}"] if tax else []
    lines += [f"Total, paid: {money.show(body['total'], currency)}"]
    return document(lines)


def document(lines: list[str]) -> bytes:
    """A page of A4 with these lines. Characters outside Latin-1 become question marks."""
    shown = " ".join(f"({_escape(line)}) Tj T*" for line in lines)
    stream = f"BT /F1 12 Tf {LEADING} TL 72 770 Td {shown} ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    return _assemble(objects)


def _escape(line: str) -> str:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


def _assemble(objects: list[bytes]) -> bytes:
    """Numbers the objects and writes the table that says at which byte each begins."""
    pages = b"%PDF-1.4\n"
    starts = []
    for number, content in enumerate(objects, start=1):
        starts.append(len(pages))
        pages += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    size = len(objects) + 1
    return pages + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (size, table, size, len(pages))
    )
