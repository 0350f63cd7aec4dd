/** The shapes of what travels over HTTP between a client and a hub, from which the documents are made. */
import { z } from 'zod'
import { EVENT_ID_PATTERN } from '../event.ts'
import { batchedEvent, BATCH_EVENTS_MAX, batchLimits, damaged } from './frame-schemas.ts'
import { localCommit, shownCommit, shownEvent } from './frame-schemas.ts'

const seq = z.int().min(0).describe('A cursor: ask for what is after it')
const time = z.string().describe('RFC 3339')

const refusal = z
  .looseObject({ error: z.looseObject({ code: z.string(), message: z.string() }) })
  .describe('Why a request is refused: a stable code, and what was expected')
const health = z.looseObject({ status: z.literal('ok') })
/** `away`: it does not reach the hubs with which it shares what it holds. `behind`: it has not got it yet. */
const ready = z.looseObject({ status: z.enum(['ready', 'away', 'behind']) })
const ticketRequest = z.looseObject({ team_id: z.string().optional() })
const ticket = z
  .looseObject({
    ws_token: z.string().describe('Opens one WebSocket, once'),
    ws_url: z.string(),
    expires_in: z.int().min(1).describe('Seconds'),
    session_id: z.string(),
  })
  .describe('A socket token')
const me = z
  .looseObject({ team_slug: z.string(), user: z.string(), expires_at: time.nullable() })
  .describe('Whom the token speaks for')
const sessionRequest = z
  .looseObject({ token: z.string().optional(), code: z.string().optional() })
  .describe('A token of a team, or the code of a one-time link')
const session = z
  .looseObject({
    secret: z.string().describe('Bearer token of this window, good together with the cookie alone'),
    team_slug: z.string(),
    user: z.string(),
    expires_at: time,
  })
  .describe('A window of a browser is logged in; the cookie of its browser comes beside it')
const sessionEnd = z.looseObject({ ended: z.literal(true) })
const projectsList = z.looseObject({
  projects: z.array(
    z.looseObject({
      project_uuid: z.string(),
      slug: z.string().nullable().describe('As its last event has it'),
      head: seq,
      missions: z.int().min(0),
      local_only: z.int().min(0).describe('Commits that were not seen pushed'),
      last_at: time.nullable().describe('When the last event or commit came'),
    }),
  ),
})
const feedPage = z.looseObject({
  feed: z
    .array(z.union([shownEvent, shownCommit, damaged]))
    .describe('What a subscriber would have been shown, in order'),
  next: z.int().min(0).describe('Ask for what is before it; 0: there is no more'),
})
const localOnly = z.looseObject({
  commits: z.array(shownCommit).describe('The latest'),
  is_cut: z.boolean(),
})
const activity = z.looseObject({
  hours: z.array(
    z.looseObject({
      at: time.describe('When the hour began'),
      events: z.int().min(0),
      commits: z.int().min(0),
      rows: z.int().min(0).describe('Of ledgers, with announced commits'),
    }),
  ),
  rows_max: z.int().min(1).describe('Of each kind, how many of the latest were counted at most'),
  is_cut: z.boolean(),
})
const eventsPage = z.looseObject({
  events: z.array(z.looseObject({ seq, received_at: time, event: batchedEvent })),
  next: seq,
  damaged: z.array(seq).optional().describe('Rows that the hub can no longer read'),
})
const commitsPage = z.looseObject({
  commits: z.array(
    z.looseObject({
      seq,
      received_at: time,
      local_only: z.boolean().describe('True until the commit was seen pushed'),
      user: z.string().nullable().describe('Whose token brought it'),
      commit: localCommit,
    }),
  ),
  next: seq,
  damaged: z.array(seq).optional(),
})
const linesSeq = z
  .int()
  .min(0)
  .describe(
    'The last row that it is made of; it is good until a LedgerLines frame tells of another',
  )
const isCut = z.boolean().describe('True: the hub holds more than one answer is made of')
const commitOrNull = z.string().nullable().describe('The commit that told of it; null for history')
const person = z.looseObject({ actor_id: z.string(), actor_type: z.string() })
const lanes = z.record(z.string(), z.int()).describe('Packages by lane')
const movedAt = z.string().nullable().describe('Of the last move, as its row says')
const missionsList = z
  .looseObject({
    missions: z.array(
      z.looseObject({
        mission: z.string().describe('Directory name'),
        mission_id: z.string().nullable(),
        decision_rows: z.int().min(0),
        status_rows: z.int().min(0),
        received_at: time.describe('When the last of its rows came'),
        summary: lanes.nullable().describe('Null where there are too many rows to fold them all'),
        moved_at: movedAt,
      }),
    ),
    lines_seq: linesSeq,
  })
  .describe('Missions that rows of ledgers have told of')
const oddity = z
  .looseObject({ line: z.int().min(1), wp_id: z.string().nullable(), what: z.string() })
  .describe('What can not be true or not be read; it counts for nothing')
const board = z.looseObject({
  mission: z.string(),
  mission_id: z.string().nullable(),
  summary: lanes,
  event_count: z.int().min(0),
  moved_at: movedAt,
  work_packages: z.array(
    z.looseObject({
      wp_id: z.string(),
      title: z.string().nullable().describe('As the row that introduced it says'),
      lane: z.string(),
      force_count: z.int().min(0),
      moves: z.array(
        z.looseObject({
          event_id: z.string(),
          from_lane: z.string(),
          to_lane: z.string(),
          at: z.string(),
          actor: z.union([z.string(), z.looseObject({})]),
          force: z.boolean(),
          commit: commitOrNull,
        }),
      ),
    }),
  ),
  anomalies: z.array(oddity),
  lines_seq: linesSeq,
  is_cut: isCut,
})
const decisionsPage = z.looseObject({
  decisions: z.array(
    z.looseObject({
      mission: z.string(),
      decision_id: z.string(),
      question: z.string(),
      options: z.array(z.string()),
      answer: z.string().nullable(),
      requested_at: z.string(),
      requested_by: person,
      answered_at: z.string().nullable(),
      answered_by: person.nullable(),
      commit: commitOrNull,
    }),
  ),
  next: z.int().min(0).describe('Ask for what is after it'),
  total: z.int().min(0).describe('Decisions that were found'),
  anomalies: z.array(oddity.extend({ mission: z.string() })),
  lines_seq: linesSeq,
  is_cut: isCut,
})
const glossary = z.looseObject({
  open: z.int().min(0),
  clarifications: z.array(
    z.looseObject({
      mission_id: z.string().nullable(),
      conflict_id: z.string(),
      term: z.string(),
      question: z.string(),
      options: z.array(z.string()),
      urgency: z.string(),
      requested_at: z.string(),
      resolution: z.looseObject({ resolved_at: z.string() }).nullable(),
    }),
  ),
  anomalies: z.array(
    z.looseObject({ kind: z.string(), conflict_id: z.string(), surface: z.string() }),
  ),
  is_cut: isCut,
})
const push = z
  .looseObject({ commits: z.array(z.looseObject({ id: z.string() })).optional() })
  .describe("A git host's push event: `commits`, `after`, `head_commit` and `checkout_sha` count")
const pushTaken = z.looseObject({
  pushed: z.int().min(0).describe('Commits that are no longer local only since this'),
})
const batch = z
  .looseObject({ events: z.array(batchedEvent).min(1).max(BATCH_EVENTS_MAX) })
  .describe('Events to store')
const batchResults = z
  .looseObject({
    results: z.array(
      z.looseObject({
        event_id: z.string().regex(EVENT_ID_PATTERN),
        status: z.enum(['success', 'duplicate', 'rejected']),
        error_message: z.string().optional(),
        error_category: z.string().optional(),
        retryable: z.boolean().optional(),
      }),
    ),
  })
  .describe('What became of each event, in order')
const batchRefusal = z
  .looseObject({ error: z.string() })
  .describe('The body as a whole can not be taken')
const protocolRefusal = z.looseObject({
  error_code: z.enum(['client-too-old', 'client-too-new', 'client-protocol-unparseable']),
  error_description: z.string(),
  sync_protocol: z.looseObject({ upgrade_guidance: z.string() }),
})
const syncHealth = z.looseObject({
  status: z.literal('ok'),
  sync_ingress: z.looseObject({ limits: batchLimits }),
  protocol: z.string(),
  epoch: z.string(),
})

/** Bodies of requests and answers, by name. */
export const HTTP_BODIES = {
  refusal,
  health,
  ready,
  ticketRequest,
  ticket,
  me,
  sessionRequest,
  session,
  sessionEnd,
  projectsList,
  feedPage,
  localOnly,
  activity,
  eventsPage,
  commitsPage,
  missionsList,
  board,
  decisionsPage,
  glossary,
  push,
  pushTaken,
  batch,
  batchResults,
  batchRefusal,
  protocolRefusal,
  syncHealth,
} as const
