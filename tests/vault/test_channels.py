import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkProcess

import pytest

from vault.channels import Counter, PacketQueue, PatientLock, PipeEvent, Timer

pytestmark = pytest.mark.no_database


@pytest.fixture
def new_queue() -> Iterator[Callable[..., PacketQueue]]:
    """Make queues that are closed after the test."""
    made: list[PacketQueue] = []

    def make(maxsize: int = 0) -> PacketQueue:
        made.append(PacketQueue(maxsize))
        return made[-1]

    yield make
    for queue in made:
        queue.close()


def start(work: Callable[..., object], *arguments: object) -> ForkProcess:
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    return process


def kill(process: ForkProcess) -> None:
    process.kill()
    process.join()


def pass_on(source: PacketQueue, target: PacketQueue) -> None:
    while True:
        target.put((os.getpid(), source.get()))


def test_each_packet_reaches_exactly_one_reader(new_queue: Callable[..., PacketQueue]) -> None:
    source, target = new_queue(), new_queue()
    readers = [start(pass_on, source, target) for _ in range(3)]

    for number in range(200):
        source.put(number)
    arrived = [target.get()[1] for _ in range(200)]

    for reader in readers:
        kill(reader)
    assert sorted(arrived) == list(range(200))


def test_a_reader_killed_while_it_waits_leaves_the_queue_to_the_others(new_queue: Callable[..., PacketQueue]) -> None:
    source, target = new_queue(), new_queue()
    first, second = start(pass_on, source, target), start(pass_on, source, target)
    time.sleep(0.1)

    kill(first)
    source.put("work")
    reader, item = target.get()

    kill(second)
    assert (reader, item) == (second.pid, "work")


def test_a_packet_outlives_the_process_that_wrote_it(new_queue: Callable[..., PacketQueue]) -> None:
    queue = new_queue()
    writer = start(queue.put, {"id": 1})

    writer.join()

    assert queue.get() == {"id": 1}


def test_a_bounded_queue_makes_its_writer_wait_while_two_packets_are_unread(
    new_queue: Callable[..., PacketQueue],
) -> None:
    queue = new_queue(maxsize=2)
    written = Counter()

    def write() -> None:
        for _ in range(10):
            queue.put("x" * 300)
            written.step()

    writer = start(write)
    time.sleep(0.3)
    before = written.value
    queue.get()
    queue.get()
    time.sleep(0.3)
    after = written.value

    kill(writer)
    assert before <= 3
    assert before < after <= before + 3


def test_an_item_too_large_for_a_packet_is_refused_and_the_queue_goes_on(new_queue: Callable[..., PacketQueue]) -> None:
    queue = new_queue(maxsize=2)

    with pytest.raises(OSError, match="too long"):
        queue.put("x" * 100_000)

    queue.put("small")
    assert queue.get() == "small"


def test_an_event_wakes_another_process_and_stays_set() -> None:
    event, seen = PipeEvent(), Counter()

    def watch() -> None:
        event.wait()
        seen.step()

    watcher = start(watch)
    assert not event.is_set()
    assert not event.wait(0.05)
    event.set()
    event.set()

    watcher.join(5)
    assert event.is_set()
    assert seen.value == 1


def test_a_lock_whose_holder_was_killed_is_passed_after_a_second() -> None:
    lock, held = PatientLock(), PipeEvent()

    def hold() -> None:
        lock.__enter__()
        held.set()
        signal.pause()

    holder = start(hold)
    assert held.wait(5)
    kill(holder)
    began = time.monotonic()

    with lock:
        waited = time.monotonic() - began

    assert 0.9 <= waited <= 2


def test_a_lock_that_was_passed_by_is_not_released_for_its_holder() -> None:
    lock = PatientLock()
    lock.__enter__()

    other = start(lambda: lock.__enter__().__exit__(None, None, None))
    other.join()

    assert not lock._lock.acquire(block=False)


def test_a_timer_shows_both_sides_the_same_number() -> None:
    timer = Timer("f", -1)

    def set_it() -> None:
        with timer.get_lock():
            timer.value = 180

    assert timer.value == -1
    start(set_it).join()

    assert timer.value == 180
