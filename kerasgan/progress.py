"""Progress of training."""

import dataclasses

import numpy as np

from kerasgan.checks import check_whole

__all__ = ["Progress"]


@dataclasses.dataclass
class Progress:
    """Counters that a saved model continues from.

    Attributes:
        step: Generator updates made.
        epoch: Epochs that `fit` has finished.
        epoch_step: Steps made in the current epoch.
        passes: Finished passes over the data, including pre-training.
        batch: Batches taken from the current pass.
        num_batches: Batches in a pass over the data; 0 if unknown.
        pretrained: Discriminator updates made by pre-training.
        draws: Batches of latents drawn in training.
    """

    step: int = 0
    epoch: int = 0
    epoch_step: int = 0
    passes: int = 0
    batch: int = 0
    num_batches: int = 0
    pretrained: int = 0
    draws: int = 0

    def load(self, store):
        """Takes the counters of a file, a mapping from names to arrays; all or none.

        Raises:
            ValueError: A counter is missing or is not a whole number in its range.
        """
        found = {}
        for name in vars(self):
            value = np.asarray(store[name]) if name in store.keys() else np.array(None)
            value = value if value.shape else value.tolist()
            # A step is an int32 in the compiled step.
            largest = 2**31 - 1 if name == "step" else 2**63 - 1
            found[name] = check_whole(name, value, 0, largest)
        vars(self).update(found)

    def start_next_pass(self):
        """Ends the current pass, and the epoch with it."""
        if self.batch:
            self.passes, self.batch = self.passes + 1, 0
        self.epoch_step = 0
