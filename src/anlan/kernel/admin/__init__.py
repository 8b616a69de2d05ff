"""What administrators look at and decide: people, sessions, tokens, jobs, the trail of everything, the site's health.

Each call asks for an administrator itself; pages and API only show what comes back. Users are records of
`system.user`: their names, roles and companies are changed by `record.update`, not here.
"""

from anlan.kernel.admin.grant import grant, granted
from anlan.kernel.admin.health import Health, health
from anlan.kernel.admin.people import (
    drop_second_factor,
    end_session,
    end_sessions,
    end_token,
    invite,
    people,
    reset_password,
    sessions,
    set_active,
    tokens,
    unlock,
)
from anlan.kernel.admin.roles import assign, matrix, role
from anlan.kernel.admin.trail import events, export, verify
from anlan.kernel.admin.why import why
from anlan.kernel.admin.work import jobs, settle, summary

__all__ = [
    "Health",
    "assign",
    "drop_second_factor",
    "end_session",
    "end_sessions",
    "end_token",
    "events",
    "export",
    "grant",
    "granted",
    "health",
    "invite",
    "jobs",
    "matrix",
    "people",
    "reset_password",
    "role",
    "sessions",
    "set_active",
    "settle",
    "summary",
    "tokens",
    "unlock",
    "verify",
    "why",
]
