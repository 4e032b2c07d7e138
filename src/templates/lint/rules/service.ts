// How the service as a whole comes up and goes down.
import { type Remark, write } from '../finding.ts';
import type { Service } from '../model.ts';
import { rolesOf } from '../service.ts';

export const gate = ({ body }: Service): Remark[] =>
  body['ready_status_gate'] === true
    ? []
    : [
        {
          code: 'gate_off',
          path: ['ready_status_gate'],
          found:
            body['ready_status_gate'] === undefined
              ? 'it is not there, and the default is false'
              : `${JSON.stringify(body['ready_status_gate'])}`,
          fix: write('ready_status_gate', true),
        },
      ];

/** Where there is only one role of ours, nobody has to wait for anybody. */
export function deployment(service: Service): Remark[] {
  const { body } = service;
  if (body['deployment'] === 'straight' || !hasBoth(service)) return [];
  const found =
    body['deployment'] === undefined
      ? 'it is not there, and the default is none'
      : JSON.stringify(body['deployment']);
  return [
    { code: 'deployment_not_straight', path: ['deployment'], found, fix: write('deployment', 'straight') },
  ];
}

export function parents(service: Service): Remark[] {
  const [superlink] = rolesOf(service, 'superlink');
  if (superlink === undefined) return [];
  return rolesOf(service, 'supernode').flatMap(({ path, name, parents: own }): Remark[] => {
    const waits = own.includes(superlink.name);
    const found = `role ${name} has no parent ${superlink.name}`;
    return waits
      ? []
      : [
          {
            code: 'supernode_without_parent',
            path: [...path, 'parents'],
            found,
            fix: write('parents', [superlink.name]),
          },
        ];
  });
}

export function hardShutdown({ body, roles }: Service): Remark[] {
  const places = [
    { members: body, path: [] },
    ...roles.map((role) => ({ members: role.body, path: role.path })),
  ];
  return places.flatMap(({ members, path }): Remark[] => {
    const action = members['shutdown_action'];
    if (action !== 'shutdown-hard' && action !== 'terminate-hard') return [];
    const fix = write('shutdown_action', 'terminate');
    return [{ code: 'hard_shutdown', path: [...path, 'shutdown_action'], found: action, fix }];
  });
}

const hasBoth = (service: Service): boolean =>
  rolesOf(service, 'superlink').length > 0 && rolesOf(service, 'supernode').length > 0;
