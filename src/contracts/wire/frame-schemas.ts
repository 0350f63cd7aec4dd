/**
 * The shapes of the WebSocket frames, from which readers and documents are made. Longer than usual: the two directions
 * share their parts, and are read side by side. Source: the wire contract.
 */
import { z } from 'zod'
import { EVENT_ID_PATTERN, SCHEMA_VERSION, UUID_V4_PATTERN, ZONED_TIME_PATTERN } from '../event.ts'
import { FOCUS_NAME } from './focus.ts'
import { isJsonObject } from '../json/json.ts'
import type { JsonObject } from '../json/json.ts'
import { PUSHED_MAX } from './ledger-frame.ts'
import { LEDGERS, LINES_ROWS_MAX } from './ledger-lines.ts'
import { isDateTime } from '../values/timestamp.ts'

/** The most paths that one `LocalCommit` names. */
export const CHANGED_FILES_MAX = 10_000
/** The most events that one array frame or one HTTP batch holds. */
export const BATCH_EVENTS_MAX = 1_000

export const GIT_HASH = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
export const LINES_ID = /^[0-9a-f]{64}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const name = z.string().max(256)
const category = name.min(1).describe('Why, in lower-case words')
const eventId = z.string().regex(EVENT_ID_PATTERN).describe('A ULID, or a UUID')
const gitHash = z.string().regex(GIT_HASH)
const linesId = z.string().regex(LINES_ID)
const projectUuid = z.string().regex(UUID_V4_PATTERN).describe('A UUID of version 4')
const zonedTime = z.string().max(40).regex(ZONED_TIME_PATTERN).refine(isDateTime)
const timestamp = z.string().min(1).max(64)
const object = z.custom<JsonObject>(isJsonObject).meta({ type: 'object' })
const seq = z
  .int()
  .min(0)
  .describe('Counts the events and commits of one project, without gaps in what is kept')
const linesSeq = z.int().min(0).describe('The last row of ledgers; grows with each that is new')
const epoch = name.min(1).describe('Changes where the hub may have lost what it acknowledged')
const strictKeys = {
  admission_generation: z.int().min(0).optional(),
  binding_audience: z.string().max(1024).optional(),
}

const envelope = {
  schema_version: z.literal(SCHEMA_VERSION),
  event_id: eventId,
  event_type: name.min(1),
  aggregate_id: z.string().min(1).max(1024),
  aggregate_type: name.min(1),
  build_id: name,
  node_id: name.min(1),
  lamport_clock: z.int().min(0),
  causation_id: eventId.nullish(),
  correlation_id: eventId.optional(),
  timestamp: zonedTime,
  project_uuid: projectUuid,
  payload: object,
  spec_kitty_delivery_identity: name.optional(),
  ...strictKeys,
}
const commit = {
  git_hash: gitHash,
  // A ULID where our own git worker writes it, a directory name where older writers do.
  mission_id: name.min(1),
  build_id: name,
  project_uuid: projectUuid,
  changed_files: z.array(z.string().min(1).max(4096)).max(CHANGED_FILES_MAX),
  committed_at: zonedTime,
}

export const eventFrame = z
  .looseObject({ type: z.literal('event'), ...envelope })
  .describe('An event; answered by an ack or an error frame')
/** An event in an array frame or an HTTP batch, where its type is known. */
export const batchedEvent = z.looseObject({ type: z.literal('event').optional(), ...envelope })
export const localCommit = z
  .strictObject({
    type: z.literal('LocalCommit'),
    ...commit,
    spec_kitty_delivery_identity: z.string().max(1024).optional(),
    ...strictKeys,
  })
  .describe('A commit that touched kitty-specs/; answered by a LocalCommitAck or an error frame')
export const ledgerLines = z
  .strictObject({
    type: z.literal('LedgerLines'),
    lines_id: linesId.describe('Names the frame in its answer'),
    project_uuid: projectUuid,
    project_slug: name.min(1).optional().describe('The name of the project'),
    build_id: name,
    git_hash: gitHash.describe('The commit that added the rows; of history where they were found'),
    mission: z.string().regex(FOCUS_NAME).describe('Directory name'),
    mission_id: name.min(1).nullable(),
    ledger: z.enum(LEDGERS),
    history: z.boolean().describe('True: not of one announced commit, but all that was before'),
    rows: z
      .array(z.strictObject({ line: z.int().min(1), row: object.nullable() }))
      .min(1)
      .max(LINES_ROWS_MAX),
  })
  .describe('Rows of a ledger (feature ledger_lines); answered by a LedgerLinesAck or an error')
export const commitsPushed = z
  .strictObject({
    type: z.literal('CommitsPushed'),
    pushed_id: linesId.describe('Names the frame in its answer'),
    project_uuid: projectUuid,
    build_id: name,
    git_hashes: z.array(gitHash).min(1).max(PUSHED_MAX),
  })
  .describe(
    'A remote has these commits (feature pushed_commits); answered by a CommitsPushedAck or an error',
  )
/** The events are read one by one: one that is refused does not refuse the others. */
export const eventsFrame = z
  .strictObject({
    type: z.literal('events'),
    batch: z.int().min(1).describe('1, 2, 3 … on each connection'),
    events: z.array(z.unknown()).min(1).max(BATCH_EVENTS_MAX),
  })
  .describe('Many events (feature event_batches); answered by acks')
export const pong = z
  .looseObject({ type: z.literal('pong'), timestamp })
  .describe('The echo of a ping')
export const subscribe = z
  .strictObject({
    type: z.literal('subscribe'),
    project_uuid: projectUuid,
    epoch: epoch.optional(),
    after_seq: seq.optional(),
  })
  .describe('Asks for what happens in a project (feature subscriptions); answered by subscribed')
export const unsubscribe = z
  .strictObject({ type: z.literal('unsubscribe'), project_uuid: projectUuid })
  .describe('Ends a subscription; not answered')
const focus = z.strictObject({
  mission: z.string().regex(FOCUS_NAME),
  wp: z.string().regex(FOCUS_NAME).nullish(),
})
export const presence = z
  .strictObject({
    type: z.literal('presence'),
    project_uuid: projectUuid,
    focus: focus.nullable().describe('Null: no longer there'),
  })
  .describe(
    'What the user of this connection works on (feature presence); not answered unless refused',
  )

export const batchLimits = z.looseObject({
  max_events_per_batch: z.int().min(1),
  max_decompressed_bytes_per_batch: z.int().min(1),
  retry_after_min_seconds: z.int().min(0),
  retry_after_max_seconds: z.int().min(0),
})
export const snapshot = z
  .looseObject({
    type: z.literal('snapshot'),
    work_packages: z.array(object),
    epoch: epoch.optional(),
    limits: batchLimits.optional(),
    features: z.array(name).optional(),
    ...strictKeys,
  })
  .describe('The first frame of each connection')
export const ack = z
  .looseObject({
    type: z.literal('ack'),
    event_id: eventId,
    status: z.enum(['accepted', 'duplicate']),
  })
  .describe('An event is durable')
const rejection = z.looseObject({
  event_id: eventId,
  error_category: category,
  retryable: z.boolean(),
})
export const acks = z
  .looseObject({
    type: z.literal('acks'),
    through: z.int().min(1).describe('Every array frame up to this one is durable'),
    last_event_id: eventId.describe('The last event of that frame'),
    count: z.int().min(1).describe('Events of the frames since the last acks'),
    rejected: z.array(rejection).describe('But for these'),
  })
  .describe('Array frames are durable')
export const errorFrame = z
  .looseObject({
    type: z.literal('error'),
    event_id: eventId.optional(),
    git_hash: gitHash.optional(),
    lines_id: linesId.optional(),
    pushed_id: linesId.optional(),
    batch: z.int().min(1).optional(),
    project_uuid: projectUuid.optional(),
    status: z.literal('rejected'),
    error_category: category,
    retryable: z.boolean(),
  })
  .describe('A frame is refused; it names what the frame was about where that can be read')
export const localCommitAck = z
  .looseObject({
    type: z.literal('LocalCommitAck'),
    git_hash: gitHash,
    build_id: name.optional(),
    project_uuid: z.string().regex(UUID).optional(),
    status: z.enum(['accepted', 'duplicate', 'rejected']).optional(),
    error_category: name.optional(),
    received_at: name.optional(),
    ...strictKeys,
  })
  .describe('A commit is durable')
export const ledgerLinesAck = z
  .looseObject({
    type: z.literal('LedgerLinesAck'),
    lines_id: linesId,
    project_uuid: projectUuid,
    status: z.enum(['accepted', 'duplicate']),
  })
  .describe('Rows of a ledger are durable')
export const commitsPushedAck = z
  .looseObject({
    type: z.literal('CommitsPushedAck'),
    pushed_id: linesId,
    project_uuid: projectUuid,
    status: z.enum(['accepted', 'duplicate']),
  })
  .describe('These commits are durably no longer local only')
export const shownPushed = z
  .looseObject({
    type: z.literal('CommitsPushed'),
    project_uuid: projectUuid,
    git_hashes: z.array(gitHash),
  })
  .describe('Commits of a subscribed project that are no longer local only')
export const shownLines = z
  .looseObject({
    type: z.literal('LedgerLines'),
    project_uuid: projectUuid,
    mission: name,
    ledger: z.enum(LEDGERS),
    lines_seq: linesSeq,
  })
  .describe('A ledger of a subscribed project has new rows, which its board or timeline shows')
export const ping = z
  .looseObject({ type: z.literal('ping'), timestamp })
  .describe('Asks for a pong; a client that owes two is cut off')
/** An event as the team is shown it; a subscriber gets its number too. */
export const shownEvent = eventFrame
  .extend({ seq: seq.optional() })
  .describe('What another client, or a subscribed project, sent')
export const shownCommit = z
  .strictObject({
    type: z.literal('LocalCommit'),
    ...commit,
    local_only: z.boolean().optional().describe('True until the commit was seen pushed'),
    user: name.optional().describe('Whose token brought it'),
    seq: seq.optional(),
  })
  .describe('What another client, or a subscribed project, sent')
export const damaged = z
  .looseObject({ type: z.literal('damaged'), project_uuid: projectUuid, seq })
  .describe('Stands for a row that the hub can no longer read, so that no gap is seen')
export const forgotten = z
  .looseObject({
    type: z.literal('forgotten'),
    project_uuid: projectUuid,
    through_seq: seq.describe('What follows comes after this number'),
  })
  .describe(
    'What a subscriber that was behind has missed is no longer kept, so that no gap is seen',
  )
const present = z.looseObject({
  member: name.min(1).describe('A name that the hub makes up for one connection'),
  focus,
})
const projectSnapshot = z
  .looseObject({
    recent: z.array(z.union([shownEvent, shownCommit, damaged])).describe('The latest, in order'),
    local_only: z.array(shownCommit).describe('The latest commits that were not seen pushed'),
  })
  .describe('Where a project stands')
export const subscribed = z
  .looseObject({
    type: z.literal('subscribed'),
    project_uuid: projectUuid,
    epoch,
    seq,
    lines_seq: linesSeq.optional(),
    history_from: seq
      .optional()
      .describe('The first number that is kept; who asks for what is before it begins anew'),
    resumed: z.boolean().describe('True: all after after_seq follows'),
    snapshot: projectSnapshot.nullable(),
  })
  .describe('What follows of the project comes in the order of seq')
export const presenceList = z
  .looseObject({
    type: z.literal('presence'),
    project_uuid: projectUuid,
    present: z.array(present),
  })
  .describe('Who is present in a subscribed project')

/** What a client sends, by frame type. */
export const CLIENT_FRAMES = {
  event: eventFrame,
  events: eventsFrame,
  LocalCommit: localCommit,
  LedgerLines: ledgerLines,
  CommitsPushed: commitsPushed,
  pong,
  subscribe,
  unsubscribe,
  presence,
} as const

/** What a hub sends, by frame type. */
export const HUB_FRAMES = {
  snapshot,
  ack,
  acks,
  error: errorFrame,
  LocalCommitAck: localCommitAck,
  LedgerLinesAck: ledgerLinesAck,
  LedgerLines: shownLines,
  CommitsPushed: shownPushed,
  CommitsPushedAck: commitsPushedAck,
  ping,
  event: shownEvent,
  LocalCommit: shownCommit,
  subscribed,
  presence: presenceList,
  damaged,
  forgotten,
} as const
