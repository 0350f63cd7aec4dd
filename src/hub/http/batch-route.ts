/**
 * Many events by one request, for backlogs and where no WebSocket opens. What the body holds goes the way of the
 * frames: the same checks, the same transaction, the same fan-out.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { BATCH_EVENTS_MAX } from '../../contracts/wire/frame-schemas.ts'
import { readBatchedEvents } from '../../contracts/wire/read-frames.ts'
import { parseJsonObject } from '../../contracts/json/json.ts'
import type { JsonObject } from '../../contracts/json/json.ts'
import { KittiwakeError } from '../../errors.ts'
import { EventBatch } from '../event-batch.ts'
import type { PartResult } from '../event-batch.ts'
import type { Intake } from '../intake.ts'
import type { Sender } from '../entries.ts'
import { BATCH_BYTES_MAX, BATCH_GZIP_BYTES_MAX } from '../limits.ts'
import { readBody, RequestFault, textOf } from './request-body.ts'
import type { Visit } from './visit.ts'

const PROTOCOL_MAJOR = 2
const PROTOCOL = /^(\d{1,4})\.\d{1,4}$/

/** Answers with what became of each event, in order. */
export async function takeBatch({ desk, request, session }: Visit): Promise<string> {
  checkHeaders(request.headers)
  desk.batches.enter(session.login)
  try {
    const body = await readBody(request, BATCH_GZIP_BYTES_MAX)
    const text = textOf(body, request.headers['content-encoding'], BATCH_BYTES_MAX)
    const batch = batchIn(text, session.team)
    desk.metrics.batchEvents.observe(batch.size)
    const results = await stored(desk.intake, session.team, batch)
    desk.metrics.countAll(results)
    desk.deadLetters.addAll(session, results)
    return JSON.stringify({ results: results.map(resultOf) })
  } finally {
    desk.batches.leave(session.login)
  }
}

function checkHeaders(headers: IncomingHttpHeaders): void {
  const type = headers['content-type'] ?? ''
  if (!/^application\/json *(?:;|$)/i.test(type)) {
    throw new RequestFault(415, 'TYPE_UNSUPPORTED', 'a body of application/json is expected')
  }
  const protocol = headers['x-spec-kitty-sync-protocol'] ?? '2.0'
  const major = PROTOCOL.exec(String(protocol))?.[1]
  if (major === String(PROTOCOL_MAJOR)) return
  const error_code =
    major === undefined
      ? 'client-protocol-unparseable'
      : Number(major) < PROTOCOL_MAJOR
        ? 'client-too-old'
        : 'client-too-new'
  const upgrade_guidance = `This hub speaks protocol ${PROTOCOL_MAJOR}; use a client of the same.`
  const error_description = 'the client speaks another sync protocol'
  throw new RequestFault(412, 'PROTOCOL_UNSUPPORTED', error_description, {
    error_code,
    error_description,
    sync_protocol: { upgrade_guidance },
  })
}

function batchIn(text: string, team: string): EventBatch {
  const { events } = objectIn(text)
  if (!Array.isArray(events) || events.length === 0) throw unreadable('No events provided')
  if (events.length > BATCH_EVENTS_MAX) {
    const message = `too large: a batch has at most ${BATCH_EVENTS_MAX} events`
    throw new RequestFault(413, 'TOO_LARGE', message)
  }
  const readings = readBatchedEvents(events)
  if (readings === null) throw unreadable('An event has no readable event_id')
  const batch = EventBatch.of(team, readings, text)
  if (batch === null) throw unreadable('The events are there twice')
  return batch
}

function objectIn(text: string): JsonObject {
  try {
    return parseJsonObject(text, BATCH_BYTES_MAX)
  } catch (error) {
    throw unreadable(error instanceof KittiwakeError ? error.message : 'The body is not JSON')
  }
}

// Without details: the sender halves the batch until it has found which event it is.
function unreadable(error: string): RequestFault {
  return new RequestFault(400, 'BAD_REQUEST', error, { error })
}

function stored(
  intake: Pick<Intake, 'add'>,
  team: string,
  batch: EventBatch,
): Promise<readonly PartResult[]> {
  return new Promise((resolve, reject) => {
    const sender: Sender = {
      team,
      // The request has been read, and the number of those is bounded.
      pause: () => {},
      resume: () => {},
      flush: () => {},
      fail: () => {
        reject(new RequestFault(503, 'STORE_FAILED', 'the store failed; try again'))
      },
    }
    const settle = (outcomes: Parameters<EventBatch['results']>[0]): void =>
      resolve(batch.results(outcomes))
    intake.add({ sender, entries: batch.entries, settle })
  })
}

const MESSAGE_BY_CATEGORY: Readonly<Record<string, string>> = {
  invalid_event: 'the event does not follow the wire contract',
  event_type_not_allowed: 'decisions travel in git, not as events',
  event_id_conflict: 'the id is taken by another event',
  not_stored: 'the event was not stored; send it again',
}

function resultOf(result: PartResult): object {
  const { event_id, status } = result
  if (status !== 'rejected') return { event_id, status: status === 'accepted' ? 'success' : status }
  const { error_category, retryable } = result
  const error_message = MESSAGE_BY_CATEGORY[error_category] ?? error_category
  return { event_id, status, error_message, error_category, retryable }
}
