/** The reducers by the names of their families. */
import { InputError } from '../../errors.ts'
import { analytics } from './analytics.ts'
import { artifact } from './artifact.ts'
import { collaboration } from './collaboration.ts'
import { connector } from './connector.ts'
import { decisionPoint } from './decisionpoint.ts'
import { dossier } from './dossier.ts'
import { glossary } from './glossary.ts'
import { lifecycle } from './lifecycle.ts'
import { missionAudit } from './mission-audit.ts'
import { missionNext } from './mission-next.ts'
import { status } from './status.ts'
import { sync } from './sync.ts'
import { FAMILIES, type Family, type ReducerFamily } from './types.ts'

const BY_NAME: Readonly<Record<ReducerFamily, Family>> = {
  status,
  lifecycle,
  collaboration,
  glossary,
  decisionpoint: decisionPoint,
  mission_audit: missionAudit,
  dossier,
  mission_next: missionNext,
  connector,
  sync,
  artifact,
  analytics,
}

/** @throws InputError REDUCER_UNKNOWN */
export function byFamily(name: string): Family {
  if (isReducerFamily(name)) return BY_NAME[name]
  throw new InputError('REDUCER_UNKNOWN', 'no reducer has this name', {
    hint: `The reducers are ${FAMILIES.join(', ')}.`,
  })
}

export function isReducerFamily(name: string): name is ReducerFamily {
  return FAMILIES.some((family) => family === name)
}
