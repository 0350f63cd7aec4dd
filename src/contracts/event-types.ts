/**
 * Every event type that the contracts name, and what is known of it beside its payload: the one table. Routes, validation,
 * schemas and documents are made from it; the models of the payloads stand in `families/` and join it in `registry.ts`,
 * apart from here, because threads ask for routes and need no models.
 */

/** `ledger`: git only. `local`: a log of this machine only. `queue`: the outbox. */
export type Destination = 'ledger' | 'local' | 'queue'

/** The log that holds the event, too, where this machine records it. */
export type EventLog = 'decisions' | 'status' | 'glossary'

/** What a payload may hold: ids, states and numbers; text that somebody wrote; who somebody is, here or elsewhere. */
export type Sensitivity = 'facts' | 'text' | 'people'

/** One file in `families/` each. */
export type Family =
  | 'status'
  | 'mission_lifecycle'
  | 'artifact_lifecycle'
  | 'build'
  | 'gates'
  | 'collaboration'
  | 'glossary'
  | 'mission_next'
  | 'analytics'
  | 'dossier'
  | 'mission_audit'
  | 'decisionpoint'
  | 'connector'
  | 'sync'
  | 'profile_invocation'
  | 'retrospective'

/** Who folds events of the type into a state. */
export type ReducerFamily =
  | 'status'
  | 'lifecycle'
  | 'collaboration'
  | 'glossary'
  | 'decisionpoint'
  | 'mission_audit'
  | 'dossier'
  | 'mission_next'
  | 'connector'
  | 'sync'
  | 'artifact'
  | 'analytics'

export type EventTypeFacts = {
  readonly family: Family
  readonly aggregate: 'Mission' | 'WorkPackage' | 'Project' | 'Build' | 'MissionDossier'
  readonly destination: Destination
  readonly log: EventLog | null
  readonly reducer: ReducerFamily | null
  readonly sensitivity: Sensitivity
  /** The name of its JSON Schema. */
  readonly schema: string
  /** Only the name is agreed on; what the payload holds is not. */
  readonly reserved: boolean
}

type Shared = Pick<EventTypeFacts, 'family'> & Partial<EventTypeFacts>

export const EVENT_TYPES = {
  ...rows(
    {
      family: 'status',
      aggregate: 'WorkPackage',
      log: 'status',
      reducer: 'status',
      sensitivity: 'text',
      schema: 'status_transition_payload',
    },
    'WPStatusChanged',
  ),
  ...rows(
    { family: 'mission_lifecycle', reducer: 'lifecycle', sensitivity: 'text' },
    'MissionStarted',
    'MissionCreated',
    'MissionClosed',
    'MissionCompleted',
    'MissionCancelled',
    'MissionReopened',
    'FollowUpRecorded',
    'PhaseEntered',
    'ReviewRollback',
  ),
  ...rows({ family: 'mission_lifecycle', sensitivity: 'text' }, 'MissionOriginBound'),
  ...rows(
    { family: 'artifact_lifecycle', reducer: 'artifact', aggregate: 'Project' },
    'ProjectInitialized',
  ),
  ...rows(
    { family: 'artifact_lifecycle', reducer: 'artifact', sensitivity: 'text' },
    'SpecifyStarted',
    'SpecifyCompleted',
    'PlanStarted',
    'PlanCompleted',
    'TasksStarted',
    'TasksCompleted',
  ),
  ...rows(
    {
      family: 'artifact_lifecycle',
      reducer: 'artifact',
      aggregate: 'WorkPackage',
      sensitivity: 'text',
    },
    'WPCreated',
    'WPAssigned',
    'HistoryAdded',
    'ErrorLogged',
    'DependencyResolved',
  ),
  ...rows({ family: 'build', aggregate: 'Build' }, 'BuildRegistered', 'BuildHeartbeat'),
  ...rows({ family: 'gates' }, 'GatePassed', 'GateFailed'),
  ...rows(
    { family: 'collaboration', reducer: 'collaboration', sensitivity: 'people' },
    'ParticipantInvited',
    'ParticipantJoined',
    'ParticipantLeft',
    'PresenceHeartbeat',
    'DriveIntentSet',
    'FocusChanged',
    'PromptStepExecutionStarted',
    'PromptStepExecutionCompleted',
    'ConcurrentDriverWarning',
    'PotentialStepCollisionDetected',
    'WarningAcknowledged',
    'CommentPosted',
    'DecisionCaptured',
    'SessionLinked',
  ),
  ...rows(
    {
      family: 'glossary',
      reducer: 'glossary',
      destination: 'local',
      log: 'glossary',
      sensitivity: 'text',
    },
    'GlossaryScopeActivated',
    'TermCandidateObserved',
    'GlossarySenseUpdated',
    'GlossaryStrictnessSet',
    'SemanticCheckEvaluated',
    'GenerationBlockedBySemanticConflict',
  ),
  ...rows(
    { family: 'glossary', reducer: 'glossary', log: 'glossary', sensitivity: 'text' },
    'GlossaryClarificationRequested',
    'GlossaryClarificationResolved',
  ),
  ...rows(
    { family: 'mission_next', reducer: 'mission_next', sensitivity: 'text' },
    'MissionRunStarted',
    'NextStepIssued',
    'NextStepAutoCompleted',
    'MissionRunCompleted',
  ),
  ...rows(
    {
      family: 'mission_next',
      reducer: 'mission_next',
      destination: 'ledger',
      log: 'decisions',
      sensitivity: 'text',
    },
    'DecisionInputRequested',
    'DecisionInputAnswered',
  ),
  ...rows({ family: 'mission_next', reducer: 'mission_next', reserved: true }, 'NextStepPlanned'),
  ...rows(
    { family: 'analytics', reducer: 'analytics' },
    'TokenUsageRecorded',
    'DiffSummaryRecorded',
  ),
  ...rows(
    { family: 'dossier', reducer: 'dossier', aggregate: 'MissionDossier' },
    'MissionDossierArtifactIndexed',
    'MissionDossierArtifactMissing',
    'MissionDossierSnapshotComputed',
    'MissionDossierParityDriftDetected',
  ),
  ...rows(
    { family: 'mission_audit', reducer: 'mission_audit', sensitivity: 'text' },
    'MissionAuditRequested',
    'MissionAuditStarted',
    'MissionAuditDecisionRequested',
    'MissionAuditCompleted',
    'MissionAuditFailed',
  ),
  ...rows(
    { family: 'decisionpoint', reducer: 'decisionpoint', sensitivity: 'people' },
    'DecisionPointOpened',
    'DecisionPointWidened',
    'DecisionPointDiscussing',
    'DecisionPointResolved',
    'DecisionPointOverridden',
  ),
  ...rows(
    { family: 'connector', reducer: 'connector', sensitivity: 'people' },
    'ConnectorProvisioned',
    'ConnectorHealthChecked',
    'ConnectorDegraded',
    'ConnectorRevoked',
    'ConnectorReconnected',
    'UserConnected',
    'UserDisconnected',
  ),
  ...rows(
    { family: 'sync', reducer: 'sync' },
    'SyncIngestAccepted',
    'SyncIngestRejected',
    'SyncRetryScheduled',
    'SyncDeadLettered',
    'SyncReplayCompleted',
  ),
  ...rows({ family: 'sync', sensitivity: 'text' }, 'ExternalReferenceLinked'),
  ...rows({ family: 'profile_invocation' }, 'ProfileInvocationStarted'),
  ...rows(
    { family: 'profile_invocation', reserved: true },
    'ProfileInvocationCompleted',
    'ProfileInvocationFailed',
  ),
  ...rows(
    { family: 'retrospective', sensitivity: 'text' },
    'RetrospectiveCompleted',
    'RetrospectiveSkipped',
    'retrospective.requested',
    'retrospective.started',
    'retrospective.failed',
    'retrospective.proposal.generated',
    'retrospective.proposal.applied',
    'retrospective.proposal.rejected',
  ),
  ...rows(
    {
      family: 'retrospective',
      sensitivity: 'text',
      schema: 'retrospective_lifecycle_completed_payload',
    },
    'retrospective.completed',
  ),
  ...rows(
    {
      family: 'retrospective',
      sensitivity: 'text',
      schema: 'retrospective_lifecycle_skipped_payload',
    },
    'retrospective.skipped',
  ),
} as const

export type EventTypeName = keyof typeof EVENT_TYPES

export const EVENT_TYPE_NAMES = Object.keys(EVENT_TYPES) as readonly EventTypeName[]

export function isEventType(name: unknown): name is EventTypeName {
  return typeof name === 'string' && Object.hasOwn(EVENT_TYPES, name)
}

/** Null where the contracts don't name the type. */
export function factsOf(name: string): EventTypeFacts | null {
  return isEventType(name) ? EVENT_TYPES[name] : null
}

function rows<const Name extends string>(
  shared: Shared,
  ...names: readonly Name[]
): Readonly<Record<Name, EventTypeFacts>> {
  const entries = names.map((name) => {
    const facts: EventTypeFacts = {
      aggregate: 'Mission',
      destination: 'queue',
      log: null,
      reducer: null,
      sensitivity: 'facts',
      schema: `${snakeCase(name)}_payload`,
      reserved: false,
      ...shared,
    }
    return [name, facts] as const
  })
  return Object.fromEntries(entries) as Record<Name, EventTypeFacts>
}

/** `WPCreated` is `wp_created`, `retrospective.proposal.applied` is `retrospective_proposal_applied`. */
export function snakeCase(name: string): string {
  return name
    .replaceAll('.', '_')
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}
