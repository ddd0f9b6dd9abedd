"""Progress of training."""

import dataclasses

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

    def start_next_pass(self):
        """Ends the current pass, and the epoch with it."""
        if self.batch:
            self.passes, self.batch = self.passes + 1, 0
        self.epoch_step = 0
