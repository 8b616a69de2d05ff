"""Users' log-ins, sessions, tokens, and the one place that decides who may do what.

`sessions` and `tokens` turn a secret into a `Caller`; its `Policy` answers every question about rights.
"""

from anlan.kernel.access.caller import SYSTEM_USER, Caller, system_caller
from anlan.kernel.access.policy import Explanation, Policies, Policy, TokenScope

__all__ = ["SYSTEM_USER", "Caller", "Explanation", "Policies", "Policy", "TokenScope", "system_caller"]
