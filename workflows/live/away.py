"""What this storey says of a database that does not answer: once a minute, and no traceback."""

import logging

from workflows.services.seldom import Seldom, and_more

logger = logging.getLogger(__name__)

seldom = Seldom()


def tell_away(what: str, error: BaseException) -> None:
    """Log that the database did not answer `what`, which is asked again."""
    left_out = seldom.ask(what)
    if left_out is not None:
        logger.warning(
            "the database did not answer %s; live pages wait until it does: %s%s",
            what,
            str(error).strip().partition("\n")[0],
            and_more(left_out),
        )
