"""Who may change a target: one holder at a time, each with a higher fence than the one before.

A lease ends by release, by time, or because its holder is certainly dead. Whoever holds a lease that was
taken over finds out at its next write, which compares the fence inside the same transaction. So a clock
that jumps can at worst end a lease early or late; it never lets two write.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from trimaran.errors import TrimaranError, fail
from trimaran.ledger.encode import at_ms, at_text, from_ms
from trimaran.ledger.model import Holder, Lease
from trimaran.ledger.tables import leases


def _row(conn: Connection, target: str) -> Row[Any] | None:
    return conn.execute(select(leases).where(leases.c.target == target).with_for_update()).first()


def _holder(row: Row[Any]) -> Holder:
    return Holder(row.holder, row.host, row.pid, row.started, row.actor)


def _held(lease_of: str, holder: Holder, until: datetime) -> TrimaranError:
    what = f"{lease_of} is being changed by {holder.actor} (process {holder.pid}) until {at_text(until)}"
    return fail("TRM0410", what, "wait for it to end; a lease that is not renewed expires by itself")


def acquire(
    conn: Connection, lease: Lease, now: datetime, dead: Callable[[Holder], bool]
) -> tuple[Lease, Holder | None]:
    """The lease as granted, and the holder that it was taken from while it still held.

    Args:
        lease: as wanted; its fence and expiry are ignored.
        dead: whether a holder is certainly gone.
    """
    row = _row(conn, lease.target)
    taken_from = None
    if row is not None and row.holder is not None:
        taken_from = _holder(row)
        if at_ms(now) < row.expires_ms and not dead(taken_from):
            raise _held(lease.target, taken_from, from_ms(row.expires_ms))
    granted = Lease(lease.target, lease.holder, (row.fence if row else 0) + 1, now + lease.ttl, lease.ttl)
    holder = lease.holder
    values = {
        "target": lease.target,
        "fence": granted.fence,
        "holder": holder.id,
        "host": holder.host,
        "pid": holder.pid,
        "started": holder.started,
        "actor": holder.actor,
        "expires_ms": at_ms(granted.expires_at),
    }
    conn.execute(delete(leases).where(leases.c.target == lease.target))
    conn.execute(insert(leases), values)
    return granted, taken_from


def renew(conn: Connection, lease: Lease, now: datetime) -> Lease:
    """`lease` with a later expiry. Raises TrimaranError when it is another's by now.

    An expired lease that nobody took over is still good: its fence is still the highest.
    """
    row = _row(conn, lease.target)
    if row is None or row.fence != lease.fence or row.holder != lease.holder.id:
        what = f"the lease on {lease.target} was lost to another run while this one was at work"
        raise fail("TRM0411", what, "run the command again: it looks at what has landed before it continues")
    # Never earlier than it was: a clock that went backwards must not shorten what others were promised.
    expires = max(row.expires_ms, at_ms(now + lease.ttl))
    conn.execute(update(leases).where(leases.c.target == lease.target).values(expires_ms=expires))
    return Lease(lease.target, lease.holder, lease.fence, from_ms(expires), lease.ttl)


def release(conn: Connection, lease: Lease) -> None:
    """Give `lease` back, if it is still held; the fence stays for the next one to exceed."""
    mine = (
        leases.c.target == lease.target,
        leases.c.fence == lease.fence,
        leases.c.holder == lease.holder.id,
    )
    conn.execute(update(leases).where(*mine).values(holder=None))


def default_ttl() -> timedelta:
    """Longer than one apply usually takes; a holder that dies on this host is found out at once anyway."""
    return timedelta(seconds=120)
