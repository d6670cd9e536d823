"""Width, dropout and learning rate searched with optuna, which gives up on bad runs early.

1,797 handwritten digits of 8x8 pixels. A callback tells optuna the accuracy of every epoch; a trial
that falls behind the middle of the others ends there. Needs ``pip install "tatami[search]"``.
"""

from tatami import manual_seed, nn, optim, viz
from tatami.examples import _digits, main
from tatami.training import Callback


def load_optuna():
    try:
        import optuna
    except ImportError:
        raise ImportError('optuna is missing: pip install "tatami[search]"') from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


class Prune(Callback):
    """Reports every epoch to the trial, and ends the run where the trial has fallen behind."""

    def __init__(self, trial):
        self.trial = trial

    def on_epoch_end(self, epoch, logs=None):
        self.trial.report(logs["val_accuracy"], epoch)
        if self.trial.should_prune():
            self.model.stop_training = True


def accuracy(trial, epochs, train, validation):
    """What one network reaches, epoch by epoch, on rows that it has not seen."""
    manual_seed(0)
    width = trial.suggest_int("width", 8, 128, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.5)
    rate = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 10)
    )
    optimizer = optim.Adam(model.parameters(), lr=rate)
    model.compile(optimizer, "cross_entropy", metrics=["accuracy"])
    result = model.fit(
        *train,
        batch_size=64,
        epochs=epochs,
        validation_data=validation,
        callbacks=[Prune(trial)],
        verbose=0,
    )
    return result.history["val_accuracy"]


def run(out, quick=False):
    optuna = load_optuna()
    trials, epochs = (6, 4) if quick else (20, 10)
    train, test = _digits.load()
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1),
    )

    def objective(trial):
        reached = accuracy(trial, epochs, train, test)
        if len(reached) < epochs:
            raise optuna.TrialPruned
        return reached[-1]

    study.optimize(objective, trials)
    reached = [list(trial.intermediate_values.values()) for trial in study.trials]
    print(f"{trials} trials, {sum(len(r) < epochs for r in reached)} given up early")
    print(f"best accuracy {study.best_value:.3f} with {study.best_params}")
    viz.lines(
        range(1, trials + 1),
        {"best so far": [max(r[-1] for r in reached[:k]) for k in range(1, trials + 1)]},
        points=(range(1, trials + 1), [r[-1] for r in reached]),
        title="accuracy where each trial ended (dots)",
        xlabel="trial",
        ylabel="accuracy",
        path=out / "optuna_search.png",
    )
    return {"best": study.best_value, "reached": reached}


if __name__ == "__main__":
    main(run)
