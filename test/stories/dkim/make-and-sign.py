# Makes mail with Python's email package, and signs all mail of a folder by DKIM. Run by test/stories/dkim, once:
#
#   make-and-sign.py FOLDER KEY DOMAIN SELECTOR DRAFTS.json
#
# FOLDER/NAME becomes FOLDER/NAME.simple and FOLDER/NAME.relaxed; what it makes itself begins with "python-email".

import base64
import json
import os
import sys
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP, SMTPUTF8

import dkim

folder, key_file, domain, selector, drafts_file = sys.argv[1:6]

# Named twice: a field of that name added later breaks the signature (oversigning).
fields = ["From", "Subject", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
signed_fields = [name.encode() for name in fields for _ in range(2)] + [b"To", b"Date"]


def modern(draft, policy):
    message = EmailMessage(policy=policy)
    message["From"], message["To"], message["Subject"] = "Ann <ann@a.example>", "bob@b.example", draft["subject"]
    message.set_content(draft["text"])
    if "html" in draft:
        message.add_alternative(draft["html"], subtype="html")
    if "attachment" in draft:
        octets, name = base64.b64decode(draft["attachment"]["octets"]), draft["attachment"]["name"]
        message.add_attachment(octets, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def old(draft):
    message = MIMEMultipart()
    message["From"], message["Subject"] = "ann@a.example", draft["subject"]
    message.attach(MIMEText(draft["text"], "plain", "utf-8"))
    if "attachment" in draft:
        message.attach(MIMEApplication(base64.b64decode(draft["attachment"]["octets"])))
    return message.as_bytes().replace(b"\n", b"\r\n")


with open(drafts_file, encoding="utf-8") as file:
    drafts = json.load(file)
for number, draft in enumerate(drafts):
    made = {"": modern(draft, SMTP), "-utf8": modern(draft, SMTPUTF8), "-old": old(draft)}
    for kind, octets in made.items():
        with open(os.path.join(folder, f"python-email{kind}.{number}"), "wb") as file:
            file.write(octets)

with open(key_file, "rb") as file:
    key = file.read()
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), "rb") as file:
        message = file.read()
    # As by SMTP, where every line ends: what opendkim cannot judge, and no server ever signs.
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    for method in (b"simple", b"relaxed"):
        try:
            signature = dkim.sign(
                *(message, selector.encode(), domain.encode(), key),
                canonicalize=(method, method),
                include_headers=signed_fields,
            )
        except dkim.MessageFormatError:
            continue  # a vector that is no mail: its header has a line that is no field
        with open(os.path.join(folder, f"{name}.{method.decode()}"), "wb") as file:
            file.write(signature + message)
