"""What is let go of when a visitor closes the tab: the answers at once, soon everything."""

from __future__ import annotations

import asyncio
from datetime import datetime
from weakref import WeakValueDictionary

import gradio as gr

from app.memory import Memory
from app.session import Session

LINGER = 300.0
"""Seconds for which the photo outlives the tab: a telephone that sleeps seems closed as well."""


def wire_leaving(blocks: gr.Blocks, session: gr.State) -> None:
    """Let go of a visitor's answers when the tab closes, and `LINGER` later of all the rest.

    Whoever has asked for something in between is still there; nothing more is taken from them.
    """
    memories: WeakValueDictionary[str, Memory] = WeakValueDictionary()

    def arrive(session: Session, request: gr.Request) -> None:
        memories[str(request.session_hash)] = session.memory

    async def leave(request: gr.Request) -> None:
        visitor = str(request.session_hash)
        if memory := memories.pop(visitor, None):
            memory.forget()
        seen = blocks.state_holder.time_last_used.get(visitor)
        asyncio.get_running_loop().call_later(LINGER, _drop, blocks, visitor, seen)

    blocks.load(arrive, [session], api_visibility="private", show_progress="hidden")
    blocks.unload(leave)


def _drop(blocks: gr.Blocks, visitor: str, seen: datetime | None) -> None:
    # Gradio itself empties only the state, an hour later, and keeps the last values of all
    # components, pictures among them, until enough others have come.
    holder = blocks.state_holder
    if holder.time_last_used.get(visitor) == seen:
        with holder.lock:
            holder.session_data.pop(visitor, None)
            holder.time_last_used.pop(visitor, None)
