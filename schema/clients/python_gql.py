"""Follows the tenders with gql, and goes on where it was after a reconnect.

python python_gql.py URL prints each change as a line of JSON; the token is in WAYBILL_TOKEN.
"""

import asyncio
import json
import os
import random
import sys

from gql import Client, gql
from gql.transport.exceptions import TransportError, TransportQueryError
from gql.transport.websockets import WebsocketsTransport

TENDER_CHANGES = """
  subscription TenderChanges($filter: TenderFilter, $after: String) {
    tenderChanges(filter: $filter, after: $after) {
      __typename
      ... on Change { cursor }
      ... on TendersSnapshot { complete tenders { id status } }
      ... on TenderUpdated { event { id type sequence } tender { id status } }
      ... on TenderLeft { id }
    }
  }
"""

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 10


async def follow_tenders(url, token, on_change, after=None):
    """Calls on_change with each change, for ever. Raises TransportQueryError where the subscription is refused."""
    attempts = 0
    while True:
        transport = WebsocketsTransport(
            url=url.replace("http", "ws", 1),
            init_payload={"authorization": f"Bearer {token()}"},
        )
        try:
            async with Client(transport=transport) as session:
                request = gql(TENDER_CHANGES)
                request.variable_values = {"after": after}
                async for data in session.subscribe(request):
                    change = data["tenderChanges"]
                    on_change(change)
                    after, attempts = change["cursor"], 0
        except TransportQueryError:
            raise
        except (TransportError, OSError) as error:
            print(f"away: {error!r}", file=sys.stderr)
        # By chance, so that a thousand clients do not come back in the same instant.
        longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempts)
        await asyncio.sleep(longest * random.uniform(0.5, 1))
        attempts += 1


if __name__ == "__main__":

    def print_line(change):
        print(json.dumps(change), flush=True)

    asyncio.run(follow_tenders(sys.argv[1], lambda: os.environ["WAYBILL_TOKEN"], print_line))
