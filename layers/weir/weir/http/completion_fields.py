"""The fields of a text completion: those of a chat, but for the few that mean something else."""

from collections.abc import Mapping

from weir.http.chat_fields import FIELDS
from weir.http.checks import Check, integer, number
from weir.http.completion_prompts import prompt

TEXT_FIELDS: Mapping[str, Check] = {
    **FIELDS,
    "prompt": prompt,
    # A number of alternatives here, a switch in a chat.
    "logprobs": integer(0, 5),
    "top_p": number(0, 1),
}
