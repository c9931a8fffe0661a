"""ChatBrain: the simulator's answers come from a model behind HTTP.

The simulator asks a thought for what is known of it (``inspector.sim.brain``), so nothing waits for the network: the requests
run in a thread with an event loop of its own, one for all sessions of a server, whoever owns the loop of the sessions. A thought
that is cancelled ends its request, and with it the connection, so that the server stops computing.

What fails, fails the response, in words: what happened, at which endpoint, and what to do about it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import httpx2

from inspector.secret import mask_text
from inspector.sim.brain import Answer, BrainContext
from inspector.sim.speech_recognizer import Failure
from inspector.sources.chat.chat_request import ChatJson, chat_request
from inspector.sources.chat.completion import ChatCompletion, EventStream, words_of
from inspector.sources.chat.endpoint import ChatEndpoint

for _name in ("httpx2", "httpcore2"):
    # They log the URL of every request, and at DEBUG the headers: keys among both.
    logging.getLogger(_name).setLevel(logging.WARNING)

CONNECT_S = 10.0
SILENCE_S = 120.0
"""How long an endpoint may say nothing: local ones load a model first."""


class BrainFailed(Exception):
    """An endpoint gave no answer, or only a part of one."""

    def __init__(self, code: str, message: str, *, is_ours: bool = False) -> None:
        super().__init__(message)
        kind = "invalid_request_error" if is_ours else "server_error"
        self.failure = Failure(kind, code, mask_text(message))


class ChatThought:
    """One answer on its way."""

    def __init__(self, request: ChatJson, cancel: Callable[[ChatThought], None]) -> None:
        self.request = request
        self.is_cancelled = False
        self._cancel = cancel
        self._known = Answer(is_complete=False)

    def so_far(self) -> Answer:
        """Return what is known of the answer."""
        return self._known

    def cancel(self) -> None:
        """End the request, unless it is over."""
        if not self._known.is_complete:
            self.is_cancelled = True
            self._cancel(self)

    def learn(self, answer: Answer) -> None:
        """Put a longer answer in the place of the known one; from the thread of the requests."""
        self._known = answer


class ChatBrain:
    """Asks one endpoint for the answers of every session of a server."""

    def __init__(
        self, endpoint: ChatEndpoint, tell: Callable[[str], None], *, silence_s: float = SILENCE_S
    ) -> None:
        """Prepare; nothing is sent before the first answer.

        Args:
            endpoint: the model.
            tell: takes a line of words for each answer that failed; called from another thread.
            silence_s: how long the endpoint may say nothing.

        Raises:
            ConnectError: the network's own proxy on the way there speaks no HTTP.
        """
        self._endpoint = endpoint
        self._tell = tell
        self._silence_s = silence_s
        self._way_out = endpoint.server.way_out
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: asyncio.Queue[ChatThought | None] = asyncio.Queue()
        self._running: dict[ChatThought, asyncio.Task[None]] = {}
        self._thread: threading.Thread | None = None

    def answer(self, context: BrainContext) -> ChatThought:
        """Ask the model, and return what will know its answer."""
        endpoint = self._endpoint
        request = chat_request(context, endpoint.model, endpoint.limit_name)
        thought = ChatThought(request, self._cancelled)
        self._started().call_soon_threadsafe(self._asked.put_nowait, thought)
        return thought

    def close(self) -> None:
        """End all requests, and the thread; nothing may be asked any more."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._asked.put_nowait, None)
            self._thread.join()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._run, args=(self._loop,), name="brain", daemon=True
            )
            self._thread.start()
        return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._serve())

    def _cancelled(self, thought: ChatThought) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end, thought)

    def _end(self, thought: ChatThought) -> None:
        task = self._running.get(thought)
        if task is not None:
            task.cancel()

    async def _serve(self) -> None:
        timeout = httpx2.Timeout(self._silence_s, connect=CONNECT_S, pool=None)
        tls = self._endpoint.server.tls
        async with (
            httpx2.AsyncClient(
                verify=tls if tls is not None else True,
                proxy=self._way_out.address if self._way_out is not None else None,
                trust_env=False,
                timeout=timeout,
                limits=httpx2.Limits(max_connections=None),
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            while (thought := await self._asked.get()) is not None:
                task = tasks.create_task(self._think(client, thought))
                self._running[thought] = task
                task.add_done_callback(partial(self._over, thought))
            for task in tuple(self._running.values()):
                task.cancel()

    def _over(self, thought: ChatThought, _: asyncio.Task[None]) -> None:
        del self._running[thought]

    async def _think(self, client: httpx2.AsyncClient, thought: ChatThought) -> None:
        if thought.is_cancelled:  # before its turn came
            return
        completion = ChatCompletion()
        failure: Failure | None = Failure("server_error", "brain_failed", "the request broke off")
        try:
            await self._receive(client, thought, completion)
            failure = None
        except BrainFailed as error:
            failure = error.failure
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            failure = self._why(error).failure
        finally:
            if failure is not None and not thought.is_cancelled:
                self._tell(f"brain: {failure.message}")
            thought.learn(replace(completion.answer(is_complete=True), failure=failure))

    async def _receive(
        self, client: httpx2.AsyncClient, thought: ChatThought, completion: ChatCompletion
    ) -> None:
        """Let a thought know what comes of its request, until that is over.

        Raises:
            BrainFailed: the endpoint refuses, sends something else, or ends too early.
            httpx2.HTTPError: it was not reached, or the connection was lost.
            ValueError: it sends a line or a body that is too long.
        """
        key = self._endpoint.key
        headers = {"Accept": "text/event-stream", "Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key.reveal()}"
        # ASCII: a lone surrogate in a client's text has no other encoding.
        body = json.dumps(thought.request).encode("ascii")
        lines = EventStream()
        async with client.stream(
            "POST", self._endpoint.url, content=body, headers=headers
        ) as response:
            if not response.is_success:
                raise self._refused(response.status_code, await _head_of(response))
            async for piece in response.aiter_bytes():
                for data in lines.feed(piece):
                    self._take(completion, data)
                    thought.learn(completion.answer(is_complete=False))
        for data in lines.end():
            self._take(completion, data)
        if not completion.is_over and not lines.is_done:
            raise self._failed("brain_cut_off", "ended its answer in the middle")

    def _take(self, completion: ChatCompletion, data: bytes) -> None:
        try:
            is_chunk = completion.take(json.loads(data))
        except (ValueError, RecursionError):
            is_chunk = False
        if not is_chunk:
            shown = data[:80].decode("utf-8", "replace")
            raise self._failed("brain_garbage", f"sent what is no chat completion: {shown}")
        if completion.problem:
            raise self._failed("brain_failed", f"reports an error: {completion.problem}")

    def _failed(self, code: str, what: str, *, is_ours: bool = False) -> BrainFailed:
        return BrainFailed(code, f"{self._endpoint.shown} {what}", is_ours=is_ours)

    def _refused(self, status: int, body: bytes) -> BrainFailed:
        try:
            said = words_of(json.loads(body))
        except (ValueError, RecursionError):
            said = words_of(body.decode("utf-8", "replace"))
        because = f": {said}" if said else ""
        match status:
            case 401 | 403:
                has_key = self._endpoint.key is not None
                kind = "refuses the key" if has_key else "needs a key"
                hint = "name the variable that holds it with --brain-key-env"
                what = f"{kind} ({status}){because}; {hint}"
                return self._failed("brain_key_refused", what, is_ours=True)
            case 404:
                model = self._endpoint.model
                what = f"has no model {model!r}, or is no such endpoint (404){because}; check --brain and --brain-model"
                return self._failed("brain_model_not_found", what, is_ours=True)
            case 429:
                return self._failed("rate_limit_exceeded", f"takes no more for now (429){because}")
        is_ours = 400 <= status < 500
        return self._failed("brain_failed", f"answers {status}{because}", is_ours=is_ours)

    def _why(self, error: Exception) -> BrainFailed:
        """Return what a failed connection means."""
        why = str(error) or type(error).__name__
        if isinstance(error, httpx2.ConnectTimeout):
            return self._failed("brain_unreachable", f"was not reached within {CONNECT_S:g} s")
        if isinstance(error, httpx2.TimeoutException):
            return self._failed("brain_timeout", f"said nothing for {self._silence_s:g} s")
        if isinstance(error, httpx2.ConnectError):
            return self._failed("brain_unreachable", f"was not reached: {why}; is it running?")
        return self._failed("brain_cut_off", f"ended its answer in the middle: {why}")


async def _head_of(response: httpx2.Response) -> bytes:
    """Return the beginning of a body: enough to know what is wrong."""
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= 1 << 16:
            break
    return body
