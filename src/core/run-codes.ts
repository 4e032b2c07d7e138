// The problem codes of `flower-context submit`: a part of the catalogue.
import { EXIT } from './exit.ts';

const SUBMIT_ENDS = 'submit ends with exit status 1.';

export const RUN_CODES = {
  app_lacks_settings: {
    title: 'the app does not declare all settings of the run, and Flower refuses the others',
    about: 'Strategy, rounds, clients and checkpoints of the CONTEXT are passed to every run.',
    found: '`flower-context submit` compares them with [tool.flwr.app.config] of the app.',
    agent: 'The run is not started. The problem contains the lines to add.',
    remedy: 'add the lines named to [tool.flwr.app.config] in pyproject.toml, or use --declared-only',
    where: ['cat /run/flower-context/run-config.toml', 'examples/quickstart/pyproject.toml'],
  },
  run_not_started: {
    title: 'Flower did not start the run',
    about: 'The SuperLink does not serve, the app cannot be read, or `flwr run` refused it.',
    found: '`flower-context submit` reads the output of `flwr run`.',
    agent: SUBMIT_ENDS,
    remedy: 'read the output of flwr above; `flower-context status` shows if the SuperLink serves',
    where: ['flower-context status', 'journalctl -u flower-superlink'],
  },
  run_failed: {
    title: 'the run ended without being completed',
    about: 'The run failed, was stopped, or the SuperLink went away.',
    found: 'submit asks the SuperLink for the state of the run until it is finished.',
    agent: SUBMIT_ENDS,
    remedy: "read the ServerApp's lines above; those of the ClientApps are in the journals of the SuperNodes",
    where: ['journalctl -u flower-superlink', 'journalctl -u flower-supernode (on the nodes)'],
  },
  run_without_result: {
    title: 'the run was completed, but no SuperNode returned a result',
    about:
      'In every round each ClientApp failed or did not answer, so the model was never trained. Flower reports such a run as completed.',
    found:
      'submit counts the results in the log of the run: lines such as `aggregate_train: Received 0 results`.',
    agent: `submit ends with exit status ${EXIT.noResult}.`,
    remedy: 'correct the first error; the journals of the SuperNodes have its traceback',
    where: ['journalctl -u flower-supernode (on the nodes)', 'flower-context doctor'],
  },
  run_timed_out: {
    title: 'the run was not finished within --timeout',
    about: 'The run waits for SuperNodes, or its rounds take longer.',
    found: 'submit measures the time since its start.',
    agent: `submit stops the run and ends with exit status ${EXIT.timedOut}.`,
    remedy: 'read the last lines above: they say what the run waited for; or use a longer --timeout',
    where: ['flower-context doctor', 'journalctl -u flower-superlink'],
  },
} as const;
