/**
 * Which event types go where: the one table. A decision is a semantic fact and lives in the ledger, never in the
 * queue; the glossary's inner life stays in the local glossary log; everything else travels by the outbox.
 */
import { InputError } from '../errors.ts'

/** `ledger`: git only. `local`: the glossary log only. `queue`: the outbox. */
export type Destination = 'ledger' | 'local' | 'queue'

const DESTINATION_BY_TYPE: Readonly<Record<string, Destination>> = {
  DecisionInputRequested: 'ledger',
  DecisionInputAnswered: 'ledger',
  GlossaryScopeActivated: 'local',
  TermCandidateObserved: 'local',
  SemanticCheckEvaluated: 'local',
  GenerationBlockedBySemanticConflict: 'local',
  GlossaryClarificationRequested: 'queue',
  GlossaryClarificationResolved: 'queue',
  GlossarySenseUpdated: 'local',
  GlossaryStrictnessSet: 'local',
  StepCheckpointed: 'local',
}

// A glossary type that a newer version adds must not leave by accident.
const GLOSSARY_PREFIX = 'Glossary'

export function destinationOf(eventType: string): Destination {
  const known = Object.hasOwn(DESTINATION_BY_TYPE, eventType)
    ? DESTINATION_BY_TYPE[eventType]
    : undefined
  return known ?? (eventType.startsWith(GLOSSARY_PREFIX) ? 'local' : 'queue')
}

/** True where the type may enter the outbox. */
export function isQueued(eventType: string): boolean {
  return destinationOf(eventType) === 'queue'
}

/** @throws InputError EVENT_LEDGER_ONLY, EVENT_LOCAL_ONLY */
export function assertQueued(eventType: string): void {
  const destination = destinationOf(eventType)
  if (destination === 'ledger') {
    const hint =
      eventType === 'DecisionInputAnswered'
        ? 'Use `kittiwake decision answer ID --mission M --answer A`.'
        : 'Use `kittiwake decision request --mission M --question Q`.'
    throw new InputError('EVENT_LEDGER_ONLY', 'decisions live in the ledger, never in the queue', {
      hint,
    })
  }
  if (destination === 'local') {
    throw new InputError('EVENT_LOCAL_ONLY', 'this glossary type stays on this machine', {
      hint: 'Only GlossaryClarificationRequested and GlossaryClarificationResolved are emitted.',
    })
  }
}

const AGGREGATE_BY_TYPE: Readonly<Record<string, string>> = {
  BuildRegistered: 'Build',
  BuildHeartbeat: 'Build',
  WPStatusChanged: 'WorkPackage',
  WPCreated: 'WorkPackage',
  WPAssigned: 'WorkPackage',
  HistoryAdded: 'WorkPackage',
  ErrorLogged: 'WorkPackage',
  DependencyResolved: 'WorkPackage',
  MissionDossierArtifactIndexed: 'MissionDossier',
  MissionDossierArtifactMissing: 'MissionDossier',
  MissionDossierSnapshotComputed: 'MissionDossier',
  MissionDossierParityDriftDetected: 'MissionDossier',
  ProjectInitialized: 'Project',
}

/** The aggregate kind of an event type; `Mission` where the type names no other. */
export function aggregateTypeOf(eventType: string): string {
  return (
    (Object.hasOwn(AGGREGATE_BY_TYPE, eventType) ? AGGREGATE_BY_TYPE[eventType] : undefined) ??
    'Mission'
  )
}
