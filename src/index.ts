/**
 * What a program may hold on to: the runtime, the sanitizer, the errors, and the shapes of what they take and give.
 *
 * Withheld on purpose, so that they can change: the exit codes and everything else of the command line, the project
 * files (`init` and `mission create` are the user's decisions), the outbox and ledger classes (each has one writer,
 * the worker that owns it), the hub, and how errors cross a thread. The machines are reachable by `runtime.system`.
 */
export { createRuntime } from './runtime.ts'
export type { Runtime, RuntimeStatus } from './runtime.ts'
export type { RuntimeOptions } from './runtime-options.ts'
export type { Listener, RuntimeEventMap } from './actors/listeners.ts'
export type { System, SystemClock } from './actors/system.ts'
export type { WorkerFailure, WorkerName } from './actors/worker.machine.ts'

export { commit } from './commit.ts'
export type { CommitOptions, CommitResult } from './commit.ts'
export type { ClarificationAsked, ClarificationSettled, Glossary, Observed } from './glossary.ts'
export type {
  ClarificationRequest,
  ClarificationResolution,
  GlossaryActorInput,
  GlossaryFact,
  TermObservation,
} from './glossary-input.ts'
export type { Scope } from './contracts/ledgers/glossary-sense.ts'
export type { FocusDeclaration, FocusDoor } from './focus.ts'
export type { PresentFocus } from './project/focus.ts'
export type { PackageCreation, PackageMove } from './work-package-input.ts'
export type { Moved, WorkPackages } from './work-packages.ts'

export { sanitizeEvent } from './events/sanitize.ts'
export type { Redaction, Sanitized, SanitizeLimits, SanitizeOptions } from './events/sanitize.ts'
export type { IdentityLiterals } from './project/identity-literals.ts'

export { validateEvent } from './events/validate-event.ts'
export { classifyEnvelope, classifyLaneName } from './contracts/classify.ts'
export type { Classification, StructuredError, ValidationErrorCode } from './contracts/classify.ts'
export { assertCutover, CUTOVER_ARTIFACT, isPreCutover } from './contracts/cutover.ts'
export { assertOccurrencePreserved, TimestampSubstitutionError } from './contracts/occurrence.ts'
export type { Verdict } from './contracts/judge.ts'
export type { Normalisation } from './contracts/normalise.ts'
export type { Layer, Path, Violation } from './contracts/values/violation.ts'

export { reduceEvents } from './contracts/reducers/reduce-events.ts'
export type {
  Aggregate,
  Anomaly,
  ReduceOptions,
  ReducerFamily,
  Reduction,
} from './contracts/reducers/types.ts'

export type { AnomalyCode } from './contracts/reducers/anomaly-codes.ts'
export { Clock, memoryClockStorage } from './events/clock.ts'
export type { ClockOptions, ClockStorage } from './events/clock.ts'
export { Causality, findConcurrent, isConcurrent, topologicalOrder } from './contracts/causality.ts'
export type { Caused, Relation } from './contracts/causality.ts'
export { compareEvents } from './contracts/event-order.ts'
export type { Placed } from './contracts/event-order.ts'
export { mergeCounter, mergeSet, mergeState } from './contracts/merges.ts'
export type { Mergeable, MergedCounter, MergedSet, MergedState } from './contracts/merges.ts'
export { ErrorLog } from './contracts/error-log.ts'
export type { ErrorEntry, ErrorQuery, NewError, Retention } from './contracts/error-log.ts'

export type { Draft, Event, Receipt, Route } from './contracts/event.ts'
export type { Json, JsonObject } from './contracts/json/json.ts'
export type { Actor } from './contracts/ledgers/decision-record.ts'
export type {
  Answered,
  DecisionAnswer,
  DecisionRequest,
  Decisions,
  Requested,
} from './decisions.ts'
export type { DrainReport, UndeliveredReason } from './drain-report.ts'
export type { ConsentChange, Sync } from './sync.ts'
export type { ProjectView } from './view.ts'
export type { Identity } from './project/types.ts'
export type { Deferral, DeferralReason } from './workers/git/protocol.ts'
export type { ConsentState, StoreCounts } from './workers/store/protocol.ts'

export {
  GateError,
  GitError,
  InputError,
  KittiwakeError,
  LinkError,
  ProjectError,
  RuntimeError,
  SanitizeError,
  StoreError,
} from './errors.ts'
