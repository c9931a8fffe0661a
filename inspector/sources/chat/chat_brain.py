"""A brain that gets the simulator's answers from a chat completions endpoint.

The simulator polls pending answers (``inspector.sim.brain``) and never waits for the network. The requests of all sessions run
in one thread with its own event loop, because sessions may run in any loop: a screen's, the server's or a headless run's.
Cancelling an answer closes its connection, so that the endpoint stops computing.

A failed request fails the response, with a message that tells what happened, at which endpoint, and what to do.
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
from inspector.sources.chat.completion import ChatCompletion, EventStream, error_text
from inspector.sources.chat.endpoint import ChatEndpoint

for _name in ("httpx2", "httpcore2"):
    # They log the URL of every request, and at DEBUG the headers; both may contain keys.
    logging.getLogger(_name).setLevel(logging.WARNING)

CONNECT_S = 10.0
SILENCE_S = 120.0
"""Read timeout; a local endpoint may load a model before its first byte."""


class BrainFailed(Exception):
    """A request to the endpoint failed, before or during the answer."""

    def __init__(self, code: str, message: str, *, is_ours: bool = False) -> None:
        super().__init__(message)
        kind = "invalid_request_error" if is_ours else "server_error"
        self.failure = Failure(kind, code, mask_text(message))


class PendingChatAnswer:
    """One answer that is being received."""

    def __init__(self, request: ChatJson, cancel: Callable[[PendingChatAnswer], None]) -> None:
        self.request = request
        self.is_cancelled = False
        self._cancel = cancel
        self._answer = Answer(is_complete=False)

    def so_far(self) -> Answer:
        """Return the part of the answer that has arrived."""
        return self._answer

    def cancel(self) -> None:
        """Cancel the request, unless it has finished."""
        if not self._answer.is_complete:
            self.is_cancelled = True
            self._cancel(self)

    def update(self, answer: Answer) -> None:
        """Replace the answer by a longer one; called in the thread of the requests."""
        # One assignment of an immutable value: the simulator's thread sees the old or the new answer, without a lock.
        self._answer = answer


class ChatBrain:
    """Get the answers of all sessions of a server from one endpoint."""

    def __init__(
        self,
        endpoint: ChatEndpoint,
        report: Callable[[str], None],
        *,
        silence_s: float = SILENCE_S,
    ) -> None:
        """Create a brain; the thread and the connections start with the first answer.

        Args:
            endpoint: the address, model and key.
            report: called with a line of text for each failed answer; called from another thread.
            silence_s: read timeout.

        Raises:
            ConnectError: the environment names a proxy for this endpoint that is not an HTTP proxy.
        """
        self._endpoint = endpoint
        self._report = report
        self._silence_s = silence_s
        self._way_out = endpoint.server.way_out
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: asyncio.Queue[PendingChatAnswer | None] = asyncio.Queue()
        """Answers to request; None ends the thread."""
        self._running: dict[PendingChatAnswer, asyncio.Task[None]] = {}
        self._thread: threading.Thread | None = None

    def answer(self, context: BrainContext) -> PendingChatAnswer:
        """Start a request, and return its pending answer."""
        endpoint = self._endpoint
        request = chat_request(context, endpoint.model, endpoint.limit_name)
        pending = PendingChatAnswer(request, self._cancel)
        self._started_loop().call_soon_threadsafe(self._queue.put_nowait, pending)
        return pending

    def close(self) -> None:
        """Cancel all requests and end the thread; ``answer`` must not be called afterwards."""
        if self._thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, None)
            self._thread.join()

    def _started_loop(self) -> asyncio.AbstractEventLoop:
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

    def _cancel(self, pending: PendingChatAnswer) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._cancel_task, pending)

    def _cancel_task(self, pending: PendingChatAnswer) -> None:
        task = self._running.get(pending)
        if task is not None:
            task.cancel()

    async def _serve(self) -> None:
        # The read timeout applies between two chunks, not to the whole answer.
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
            while (pending := await self._queue.get()) is not None:
                task = tasks.create_task(self._request(client, pending))
                self._running[pending] = task
                task.add_done_callback(partial(self._forget, pending))
            for task in tuple(self._running.values()):
                task.cancel()

    def _forget(self, pending: PendingChatAnswer, _: asyncio.Task[None]) -> None:
        del self._running[pending]

    async def _request(self, client: httpx2.AsyncClient, pending: PendingChatAnswer) -> None:
        if pending.is_cancelled:  # while it was in the queue
            return
        completion = ChatCompletion()
        # Stays in place if this task is cancelled: the answer must be complete in any case, or its response would hang.
        failure: Failure | None = Failure("server_error", "brain_failed", "the request broke off")
        try:
            await self._receive(client, pending, completion)
            failure = None
        except BrainFailed as error:
            failure = error.failure
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            failure = self._connection_failure(error).failure
        finally:
            if failure is not None and not pending.is_cancelled:
                self._report(f"brain: {failure.message}")
            pending.update(replace(completion.answer(is_complete=True), failure=failure))

    async def _receive(
        self, client: httpx2.AsyncClient, pending: PendingChatAnswer, completion: ChatCompletion
    ) -> None:
        """Send a request and update its pending answer until the response ends.

        Raises:
            BrainFailed: the endpoint refuses the request, sends something else, or ends too early.
            httpx2.HTTPError: the endpoint was not reached, or the connection was lost.
            ValueError: a line or body is too long.
        """
        key = self._endpoint.key
        headers = {"Accept": "text/event-stream", "Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key.reveal()}"
        # ASCII: a lone surrogate in a client's text has no other encoding.
        body = json.dumps(pending.request).encode("ascii")
        stream = EventStream()
        async with client.stream(
            "POST", self._endpoint.url, content=body, headers=headers
        ) as response:
            if not response.is_success:
                raise self._refused(response.status_code, await _head_of(response))
            async for piece in response.aiter_bytes():
                for data in stream.feed(piece):
                    self._add(completion, data)
                    pending.update(completion.answer(is_complete=False))
        for data in stream.end():
            self._add(completion, data)
        if not completion.has_finished and not stream.is_done:
            raise self._failed("brain_cut_off", "ended its answer halfway")

    def _add(self, completion: ChatCompletion, data: bytes) -> None:
        try:
            is_chunk = completion.add(json.loads(data))
        except (ValueError, RecursionError):
            is_chunk = False
        if not is_chunk:
            shown = data[:80].decode("utf-8", "replace")
            raise self._failed(
                "brain_garbage", f"sent something other than a chat completion: {shown}"
            )
        if completion.problem:
            raise self._failed("brain_failed", f"reported an error: {completion.problem}")

    def _failed(self, code: str, what: str, *, is_ours: bool = False) -> BrainFailed:
        return BrainFailed(code, f"{self._endpoint.shown} {what}", is_ours=is_ours)

    def _refused(self, status: int, body: bytes) -> BrainFailed:
        try:
            explanation = error_text(json.loads(body))
        except (ValueError, RecursionError):
            explanation = error_text(body.decode("utf-8", "replace"))
        because = f": {explanation}" if explanation else ""
        match status:
            case 401 | 403:
                has_key = self._endpoint.key is not None
                kind = "refused the key" if has_key else "needs a key"
                hint = "name the environment variable with the key in --brain-key-env"
                what = f"{kind} ({status}){because}; {hint}"
                return self._failed("brain_key_refused", what, is_ours=True)
            case 404:
                model = self._endpoint.model
                what = f"has no model {model!r}, or the URL is wrong (404){because}; check --brain and --brain-model"
                return self._failed("brain_model_not_found", what, is_ours=True)
            case 429:
                return self._failed(
                    "rate_limit_exceeded", f"refused the request for its rate limit (429){because}"
                )
        is_ours = 400 <= status < 500
        return self._failed("brain_failed", f"answered {status}{because}", is_ours=is_ours)

    def _connection_failure(self, error: Exception) -> BrainFailed:
        """Return the failure for an exception of the HTTP client."""
        why = str(error) or type(error).__name__
        if isinstance(error, httpx2.ConnectTimeout):
            return self._failed("brain_unreachable", f"was not reached within {CONNECT_S:g} s")
        if isinstance(error, httpx2.TimeoutException):
            return self._failed("brain_timeout", f"sent nothing for {self._silence_s:g} s")
        if isinstance(error, httpx2.ConnectError):
            return self._failed("brain_unreachable", f"was not reached: {why}; is it running?")
        return self._failed("brain_cut_off", f"ended its answer halfway: {why}")


async def _head_of(response: httpx2.Response) -> bytes:
    """Return the first 64 KiB of a body, which is enough for an error message."""
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= 1 << 16:
            break
    return body
