"""Mail: a message by SMTP.  Blocks: for a thread, some seconds."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from ipaddress import ip_address

from tidegate.notify.message import Message, NotSent
from tidegate.notify.targets import Mail, Target
from tidegate.notify.webhooks import PATIENCE


def send(target: Target, message: Message) -> None:
    """NotSent where it is not taken."""
    if (mail := target.mail) is None:
        raise NotSent("it is no mail address")
    try:
        with opened(mail) as server:
            if target.user:
                log_in(server, target, mail)
            server.send_message(letter(mail, message))
    except smtplib.SMTPAuthenticationError:
        raise NotSent("the server does not take this user and password") from None
    except smtplib.SMTPServerDisconnected:
        asked = " (wrong user or password?)" if target.user else ""
        raise NotSent(f"the server hangs up{asked}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"the server answers {error.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused:
        raise NotSent("the server takes nothing for these recipients") from None
    except TimeoutError:
        raise NotSent("it does not answer in time") from None
    except (OSError, smtplib.SMTPException) as error:
        reason = getattr(error, "strerror", None)
        raise NotSent(str(reason or type(error).__name__).lower()) from None


def opened(mail: Mail) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if mail.tls:
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=PATIENCE, context=context)
    server = smtplib.SMTP(mail.host, mail.port, timeout=PATIENCE)
    try:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
            server.ehlo()
    except BaseException:
        server.close()
        raise
    return server


def log_in(server: smtplib.SMTP, target: Target, mail: Mail) -> None:
    if not isinstance(server.sock, ssl.SSLSocket) and not is_here(mail.host):
        raise NotSent("the server offers no TLS, and the password is not sent in the open")
    server.login(target.user, target.password)


def is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def letter(mail: Mail, message: Message) -> EmailMessage:
    made = EmailMessage()
    made["Subject"] = message.title
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.to)
    made["Date"] = formatdate()
    made["Message-ID"] = make_msgid(domain="tidegate.invalid")
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834 5: no holiday notes in return
    made.set_content(message.text)
    return made
