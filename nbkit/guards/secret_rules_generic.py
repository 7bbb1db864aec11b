"""Formats that anyone may issue, and whatever is called a password, a token or a key."""

from __future__ import annotations

from typing import Final

from nbkit.guards.secret_rule import LEFT_OF_LONG, Rule, assigned

ISSUED_RULES: Final = (
    Rule(
        "jwt",
        "other",
        ("eyJ",),
        r"eyJ[\w\-]{12,500}+\.eyJ[\w\-]{12,8000}+(?>(?:\.[\w\-]{0,2000}+)?)",
        3.5,
        longest=12_100,
    ),
    Rule("jwt", "other", ("ZXlK",), r"ZXlK[A-Za-z0-9+/_\-]{100,8000}+={0,3}", 3.5, longest=8_100, left=LEFT_OF_LONG),
    Rule(
        "url-password",
        "other",
        ("://",),
        r"[!$%&*+,.;=^|~:\w\-@]{3,128}(?=@[\w.\-\[])",
        0.0,
        r"://[^\s/:@\"'<>`]{0,64}:",
        look="address",
        right="",
    ),
    Rule(
        "bearer-token",
        "generic",
        ("bearer ", "bearer%20"),
        r"[\w\-.~+/]{16,2000}+={0,3}",
        3.0,
        r"(?i:bearer)(?:\s|%20){1,3}",
        longest=2100,
        look="sent",
    ),
    Rule(
        "authorization-header",
        "generic",
        ("authorization",),
        r"[\w\-.~+/]{12,2000}+={0,3}",
        2.8,
        r"(?i:authorization)\\?[\"']?\s{0,3}[:=,]\s{0,3}(?:\\?[\"'])?(?:(?i:basic|token|api-?token|api-?key|key|ssws)[\s=]{1,3})?",
        longest=2100,
        look="sent",
    ),
    Rule(
        "curl-credentials",
        "generic",
        ("curl ",),
        r"[^\s\"'`<>:${}()\[\]\x7f-\U0010ffff][^\s\"'`<>:{}()\[\]\x7f-\U0010ffff]{2,127}+",
        0.0,
        r"(?i:curl)(?= )(?>(?:(?! -u| --user|curl )(?:[^\n|;]|(?<=\\)\n)){0,160})"
        r" {1,2}(?:-u|--user)[ =]{0,2}[\"']?[^\s\"'`:<>${}]{0,64}:[\"']?",
        look="address",
        right=r"(?=[\s\"'`]|\Z)",
    ),
)

_VALUE: Final = r"[A-Za-z0-9_\-+/=.~!@#%^&*?|$;,:]{8,256}+(?=[\s\"'`<>)\]}\\]|\Z)"

GENERIC_RULES: Final = (
    assigned(
        "api-key",
        (
            "api_key",
            "apikey",
            "api-key",
            "api key",
            "access_key",
            "accesskey",
            "access-key",
            "secret_key",
            "secretkey",
            "secret-key",
            "auth_key",
            "authkey",
            "private_key",
            "encryption_key",
            "signing_key",
            "account_key",
            "master_key",
            "subscription-key",
            "subscription_key",
            "x-api-key",
            "app_key",
            "license_key",
            "service_key",
            "session_key",
        ),
        _VALUE,
        look="assigned",
    ),
    assigned("token", ("token",), _VALUE, look="assigned"),
    assigned("secret", ("secret", "credential", "user_auth"), _VALUE, look="assigned"),
    assigned("password", ("password", "passwd", "passphrase", "pwd"), _VALUE, look="password"),
    Rule(
        "token",
        "generic",
        ("key is", "token is", "secret is"),
        r"[\w\-+/=.]{16,200}+",
        3.0,
        r"(?i:key|token|secret) (?i:is):?\s{1,2}[\"'`]?",
        look="sent",
    ),
    Rule(
        "password",
        "generic",
        ("password is", "passphrase is", "passwort ist"),
        r"[A-Za-z0-9_\-+/=~!@#%^&*?|$]{8,128}+",
        0.0,
        r"(?i:password|passphrase|passwort) (?i:is|ist):?\s{1,2}[\"'`]?",
        look="told",
    ),
)
