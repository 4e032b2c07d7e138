// Service level: one value for all roles of a OneFlow service.

import { err, ok } from '../../core/result.ts';
import { isVersion } from '../../core/version.ts';
import { FRAMEWORKS } from '../frameworks.ts';
import { oneOf, text, yesNo } from '../kinds.ts';
import { BOTH, withDefault, withImageDefault, withRoleDefault } from '../variable.ts';

export const SERVICE = {
  FLOWER_VERSION: withImageDefault({
    roles: BOTH,
    level: 'service',
    title: 'Flower version (empty: what the image has)',
    ...text('a version X.Y.Z', (given) =>
      isVersion(given) ? ok(given) : err('this is not a version X.Y.Z'),
    ),
    default: { image: ({ flowerVersion }) => flowerVersion },
    inputDefault: '',
    description:
      'The Flower that runs. Another version than the baked one is installed into its own virtual environment at boot; when that fails the baked one runs, and the degradation is logged, shown in the status and published.',
    example: '1.39.0',
  }),

  ML_FRAMEWORK: withImageDefault({
    roles: BOTH,
    level: 'service',
    title: 'ML framework (empty: what the image has)',
    ...oneOf(FRAMEWORKS),
    default: { image: ({ framework }) => framework },
    inputDefault: '',
    inputOptions: ['', ...FRAMEWORKS],
    description:
      'Which Python environment ClientApps and ServerApps get. `none` (Flower and numpy are enough) is content with what the image has. One that the image lacks is installed once, and only where the disk has room for it; otherwise what the image has runs, and the degradation is logged, shown in the status and published.',
    example: 'sklearn',
  }),

  FL_TLS_ENABLED: withRoleDefault({
    roles: BOTH,
    level: 'service',
    title: 'Encrypt traffic between SuperLink and SuperNodes',
    ...yesNo(),
    default: { superlink: 'YES' },
    inputDefault: 'YES',
    description:
      'SuperLink: serve TLS or plaintext. SuperNode: YES wants TLS, NO wants plaintext, unset follows what the SuperLink publishes.',
    example: 'YES',
  }),

  FL_LOG_LEVEL: withDefault({
    roles: BOTH,
    level: 'service',
    title: 'Log verbosity',
    ...oneOf(['DEBUG', 'INFO', 'WARNING', 'ERROR']),
    default: 'INFO',
    description: 'How much the agent and Flower (`FLWR_LOG_LEVEL`) write to the journal.',
    example: 'DEBUG',
  }),

  FL_LOG_FORMAT: withDefault({
    roles: BOTH,
    level: 'service',
    title: 'Log format of the agent',
    ...oneOf(['text', 'json']),
    default: 'text',
    description: 'text is for a person who reads journalctl; json is one object a line.',
    example: 'json',
  }),
} as const;
