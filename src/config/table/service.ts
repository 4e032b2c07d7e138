// Service level: one value for all roles of a OneFlow service.
import { err, ok, type Result } from '../../core/result.ts';
import { ROLES } from '../../core/role.ts';
import { parseVersion } from '../../core/version.ts';
import { FRAMEWORKS } from '../frameworks.ts';
import { oneOf, text, yesNo } from '../kinds.ts';
import { LOCKED_FLOWER } from '../locked.ts';
import { type ImageFacts, rowsOf } from '../variable.ts';

const row = rowsOf('service', ...ROLES);

/** A version that this appliance can neither install nor find is refused later (rules.ts, flower_version_unsupported). */
const readFlowerVersion = (given: string): Result<string> =>
  parseVersion(given) === undefined ? err('this is not a version X.Y.Z') : ok(given);

export const SERVICE = {
  FLOWER_VERSION: row({
    title: 'Flower version (empty: what the image has)',
    ...text(`one of ${LOCKED_FLOWER.join(', ')}`, readFlowerVersion),
    default: { image: ({ flowerVersion }: ImageFacts) => flowerVersion },
    inputDefault: '',
    description:
      'The Flower version to run. A version that is not in the image is installed into its own virtual environment at boot. If that fails, the version of the image runs. The degradation is logged, shown in the status and published.',
    example: LOCKED_FLOWER.at(-1)!,
  }),

  ML_FRAMEWORK: row({
    title: 'ML framework (empty: what the image has)',
    ...oneOf(FRAMEWORKS),
    default: { image: ({ framework }: ImageFacts) => framework },
    inputDefault: '',
    inputOptions: ['', ...FRAMEWORKS],
    description:
      'The Python environment of ClientApps and ServerApps. `none` means that Flower and numpy are enough. A framework that is not in the image is installed once, if the disk has enough free space. Otherwise the environment of the image runs. The degradation is logged, shown in the status and published.',
    example: 'sklearn',
  }),

  FL_TLS_ENABLED: row({
    title: 'Encrypt traffic between SuperLink and SuperNodes',
    ...yesNo(),
    default: { superlink: 'YES' },
    inputDefault: 'YES',
    description:
      'SuperLink: YES serves TLS, NO plaintext. SuperNode: YES uses TLS, NO plaintext; unset follows the mode that the SuperLink publishes, but never from TLS to plaintext.',
    example: 'YES',
  }),

  FL_LOG_LEVEL: row({
    title: 'Log verbosity',
    ...oneOf(['DEBUG', 'INFO', 'WARNING', 'ERROR']),
    default: 'INFO',
    description: 'The log level of the agent and of Flower (`FLWR_LOG_LEVEL`).',
    example: 'DEBUG',
  }),

  FL_LOG_FORMAT: row({
    title: 'Log format of the agent',
    ...oneOf(['text', 'json']),
    default: 'text',
    description: 'text is for journalctl, json is one object a line.',
    example: 'json',
  }),
} as const;
