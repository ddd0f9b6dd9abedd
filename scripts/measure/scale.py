"""What limits several devices: counts of a model, and images per second for assumed links.

    scripts/measure/scale.py                  every model at its defaults
    scripts/measure/scale.py dcgan --step-ms 10 --batch-size 128 --link 25
    KERAS_BACKEND=jax scripts/measure/scale.py dcgan --exchanged --batch-size 8
    KERAS_BACKEND=jax scripts/measure/scale.py dcgan --pauses --folder FOLDER

The devices add up the gradients of every update: 4 bytes per trained weight. A ring of N devices
sends 2 (N - 1) / N times that over each link. With `--step-ms`, the time of a step on one device
(a measured or an assumed one), the script prints the images per second of N devices that each keep
`--batch-size`, if they do not compute while they exchange. `--exchanged` compiles a step for four
virtual devices of this machine instead, and counts what XLA makes them exchange. `--pauses` times
what stops the devices between steps: the writing of a checkpoint to a disk, beside a plain file of
the same size, and 64 samples. It prints the median of five, after one that is not counted.
"""

import argparse
import itertools
import math
import os
import pathlib
import re
import statistics
import tempfile
import time

import results

SIZES = {"bf16": 2, "f16": 2, "pred": 1}  # bytes; all other types have 4
EXCHANGE = re.compile(
    r"= (.*?) (all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter)(?:-start)?\("
)


def counts(gan):
    """A GAN's trained weights, and the bytes that it adds up, saves, and reads for an image."""
    stacks = gan._training
    generator, discriminator = (
        sum(math.prod(weight.shape) for weight in model.trainable_weights)
        for model in (gan.generator, gan.discriminator)
    )
    updates = gan.discriminator_steps * len(stacks.discriminators["both"])
    kept = {id(v): v for v in [*gan.variables, *gan.optimizer.variables]}
    kept |= {id(v): v for v in gan.sampling_generator.variables}
    return {
        "generator": generator,
        "discriminator": discriminator,
        "updates": updates,
        "step_bytes": 4 * (generator + updates * discriminator),
        "checkpoint_bytes": sum(4 * math.prod(variable.shape) for variable in kept.values()),
        "image_bytes": math.prod(gan.image_shape) * gan.discriminator_steps,
    }


def exchange_seconds(step_bytes, devices, link):
    """The time to add up gradients around a ring, with links of this many GB/s."""
    return 2 * (devices - 1) / devices * step_bytes / (link * 1e9)


def exchanged(folder):
    """Dict from kinds of exchange to their number and bytes, in XLA's compiled steps."""
    found = {}
    for path in pathlib.Path(folder).glob("*after_optimizations.txt"):
        for types, kind in EXCHANGE.findall(path.read_text()):
            parts = re.findall(r"(\w+)\[([\d,]*)\]", types)
            number = sum(
                math.prod(int(size) for size in sizes.split(",") if size) * SIZES.get(name, 4)
                for name, sizes in parts
            )
            times, total = found.get(kind, (0, 0))
            found[kind] = (times + 1, total + number)
    return found


def build(name, given):
    import kerasgan

    options = {} if given.filters is None else {"filters": given.filters}
    if given.size:
        options["image_shape"] = (given.size, given.size, given.channels)
    return getattr(kerasgan, f"build_{name}")(**options)


def step_on_four(name, given):
    """One step on four virtual devices; returns the GAN and what they exchange in it."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--xla_force_host_platform_device_count=4", f"--xla_dump_to={folder}"]
        flags += ["--xla_dump_hlo_as_text", "--xla_dump_hlo_module_re=.*pure.*"]
        # Read once, when JAX starts.
        os.environ["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *flags])
        import keras
        import numpy as np

        with keras.distribution.DataParallel().scope():
            gan = build(name, given)
            images = np.zeros((given.batch_size, *gan.image_shape), "uint8")
            labels = np.zeros(given.batch_size, "int32")
            gan.train_on_batch((images, labels) if gan.num_classes else images)
        return gan, exchanged(folder)


def pauses(gan, folder):
    """MB of a checkpoint; seconds to write it, to write a file like it, and to make 64 samples."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        path = pathlib.Path(made) / "model.keras"
        gan.save(path)
        data = path.read_bytes()

        def write():
            with open(path.with_suffix(".copy"), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

        actions = (lambda: gan.save(path), write, lambda: gan.sample(64, seed=0))
        return [len(data) / 1e6, *(median_seconds(action) for action in actions)]


def median_seconds(action):
    times = []
    for _ in range(6):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: all")
    parser.add_argument("--size", type=int, help="pixels (default: the model's own)")
    parser.add_argument("--channels", type=int, default=3, help="with --size (default: 3)")
    parser.add_argument("--filters", type=int, help="default: the model's own")
    parser.add_argument("--batch-size", type=int, default=64, help="images on each device")
    parser.add_argument("--devices", nargs="+", type=int, default=[1, 8, 64])
    parser.add_argument(
        "--link", nargs="+", type=float, default=[1.25, 25.0, 200.0], help="GB/s, all assumed"
    )
    parser.add_argument("--step-ms", type=float, help="of a step on one device, at --batch-size")
    parser.add_argument("--exchanged", action="store_true", help="one model; on JAX")
    parser.add_argument("--pauses", action="store_true", help="instead: what stops the devices")
    parser.add_argument("--folder", help="on the disk to write to (default: the system's own)")
    given = parser.parse_args()
    if given.exchanged:
        (name,) = given.models
        gan, found = step_on_four(name, given)
        print(f"{name}: {counts(gan)['step_bytes'] / 1e6:.2f} MB of gradients a step. Exchanged:")
        for kind, (times, total) in found.items():
            print(f"{kind}: {times} times, {total / 1e6:.2f} MB")
        return
    from kerasgan import zoo

    names = given.models or [name.removeprefix("build_") for name in zoo.__all__]
    if given.pauses:
        rows = []
        for name in sorted(names):
            size, *seconds = pauses(build(name, given), given.folder)
            rows.append([f"`{name}`", f"{size:.1f}", *(f"{each:.2f}" for each in seconds)])
        headings = ["model", "MB saved", "s to save", "s to write as much", "s for 64 samples"]
        print(results.table(headings, rows))
        return
    found = {name: counts(build(name, given)) for name in sorted(names)}
    headings = ["model", "weights of G", "of D", "D updates", "MB added up", "MB saved", "KB read"]
    print(results.table(headings, [row(name, numbers) for name, numbers in found.items()]))
    if given.step_ms is not None:
        headings = ["model", "GB/s", "devices", "ms to add up", "images/s", "of N times one device"]
        print("\n" + results.table(headings, list(rates(found, given))))


def row(name, found):
    return [
        f"`{name}`",
        *(f"{found[side]:,}" for side in ("generator", "discriminator")),
        found["updates"],
        *(f"{found[key] / 1e6:.1f}" for key in ("step_bytes", "checkpoint_bytes")),
        f"{found['image_bytes'] / 1e3:.1f}",
    ]


def rates(found, given):
    """A row for each model, link and number of devices."""
    for name, link, devices in itertools.product(found, given.link, given.devices):
        waiting = 1e3 * exchange_seconds(found[name]["step_bytes"], devices, link)
        rate = devices * given.batch_size / (given.step_ms + waiting) * 1e3
        share = given.step_ms / (given.step_ms + waiting)
        yield [f"`{name}`", f"{link:g}", devices, f"{waiting:.2f}", f"{rate:,.0f}", f"{share:.0%}"]


if __name__ == "__main__":
    main()
