"""Messages of Django and django-allauth that our pages show, and that we say in our own words.

Their Chinese is another's: formal where ours is not, and now and then missing.
"""

from collections.abc import Iterable

CHARACTERS = (
    "Ensure this value has at most %(limit_value)d character (it has %(show_value)d).",
    "Ensure this value has at most %(limit_value)d characters (it has %(show_value)d).",
)
TOO_SHORT = (
    "This password is too short. It must contain at least %d character.",
    "This password is too short. It must contain at least %d characters.",
)
DJANGO = (
    CHARACTERS,
    TOO_SHORT,
    "This field is required.",
    "Enter a valid email address.",
    "Select a valid choice. %(value)s is not one of the available choices.",
)
LABELS = (
    *("Authenticator code", "Code", "Current Password", "Email", "Email address", "New Password"),
    *("New Password (again)", "Password", "Password (again)", "Passwordless", "Remember Me"),
    *("Forgot your password?", "Use your password", "Use authenticator app or code"),
    *("Use a security key", "Master key", "Backup key", "Key nr. {number}"),
)
REFUSALS = (
    "A user is already registered with this email address.",
    "Be patient, you are sending too many requests.",
    "Incorrect code.",
    "Incorrect password.",
    "Invalid login.",
    "Invalid or expired key.",
    "Please type your current password.",
    "The email address and/or password you specified are not correct.",
    "The email address is not assigned to any user account.",
    "The new value must be different from the current one.",
    "The password reset token was invalid.",
    "This account is currently inactive.",
    "This email address is already associated with this account.",
    "Too many failed login attempts. Try again later.",
    "You cannot activate two-factor authentication until you have verified your email address.",
    "You cannot add an email address to an account protected by two-factor authentication.",
    "You cannot add more than %d email addresses.",
    "You cannot deactivate two-factor authentication.",
    "You cannot generate recovery codes without having two-factor authentication enabled.",
    "You cannot remove your primary email address.",
    "You must type the same email each time.",
    "You must type the same password each time.",
    "Your primary email address must be verified.",
)
FOREIGN_ACCOUNTS = (
    (
        "An account already exists with this email address. Please sign in to that account "
        "first, then connect your %s account."
    ),
    "The third-party account is already connected to a different account.",
    "You cannot disconnect your last remaining third-party account.",
    "Your account has no password set up.",
    "Your account has no verified email address.",
)


def shown() -> Iterable[str | tuple[str, str]]:
    """Return the messages, those with a plural as both forms."""
    return (*DJANGO, *LABELS, *REFUSALS, *FOREIGN_ACCOUNTS)
