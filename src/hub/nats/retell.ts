/** Says again what a copy holds: as the messages that it keeps, or as entries that make its rows. */
import { randomUUID } from 'node:crypto'
import type { Change } from '../changes.ts'
import type { Held, ProjectName } from '../data/earlier-copy.ts'
import type { TimedEntries } from '../entries.ts'
import type { Position } from '../data/log-table.ts'
import { STREAM } from './connect.ts'
import type { Nats } from './connect.ts'
import {
  encodeChange,
  encodeEntries,
  prefixesOf,
  readMessage,
  runsOf,
  subjectOfChange,
} from '../data/messages.ts'
import { storedMessages } from './stored-messages.ts'

/** Says again what the stream may lack, up to which place. What it has already changes nothing when it comes once more. */
export async function retell(
  nats: Nats,
  held: Held,
  common: number,
  deleted: readonly ProjectName[] = [],
): Promise<Position> {
  const id = randomUUID()
  const gone = [...deleted, ...(await deletedSince(nats, held.log))]
  const publish: Publish = async (name, subject, body) => {
    const msgID = `${name}.${id}`
    const { seq } = await nats.jetstream.publish(subject, body, { msgID })
    return { seq, id: msgID }
  }
  const { log, changes, epoch: before } = held
  const places = log.places()
  const reachesBack = common === 0 ? places[0] === 1 : places.includes(common)
  const gonePrefixes = gone.flatMap(({ team, project_uuid }) => prefixesOf(team, project_uuid))
  const isGone = ({ subject, body }: Said): boolean =>
    gonePrefixes.some((prefix) => subject.startsWith(prefix)) || isWebhookOf(gone, body)
  const sayChange = async (text: string): Promise<void> => {
    const said = { subject: 'adm.change', body: asChange(text) }
    if (!isGone(said)) await publish(randomUUID(), said.subject, said.body)
  }
  // What a base stood for is in the rows alone.
  if (reachesBack && common >= (held.base?.seq ?? 0)) {
    for (const place of places.filter((one) => one > common)) {
      const message = log.at(place)
      if (message === null || isOfNumbers(message.body)) continue
      if (isGone(message)) continue
      await publish(message.message_id, message.subject, message.body)
    }
  } else {
    for (const text of changes.all()) await sayChange(text)
    for (const batch of held.retold()) {
      for (const said of messagesOf(batch)) {
        if (!isGone(said)) await publish(randomUUID(), said.subject, said.body)
      }
    }
  }
  for (const text of changes.untold()) await sayChange(text)
  const change = { kind: 'epoch', before, id } as const
  return publish('epoch', subjectOfChange(change), encodeChange(change))
}

type Publish = (name: string, subject: string, body: Buffer) => Promise<Position>
type Said = { readonly subject: string; readonly body: Buffer }

/** They go with their project. */
function isWebhookOf(gone: readonly ProjectName[], body: Buffer): boolean {
  if (gone.length === 0) return false
  const change = changeIn(body)
  return (
    change?.kind === 'webhook' &&
    gone.some((one) => one.team === change.team && one.project_uuid === change.project_uuid)
  )
}

function changeIn(body: Buffer): Change | null {
  const meaning = readMessage(body)
  return meaning !== null && meaning !== 'newer' && 'change' in meaning ? meaning.change : null
}

/** Projects that were deleted, which a copy has not learned: what it holds of them is not to come back. */
async function deletedSince(nats: Nats, log: Held['log']): Promise<readonly ProjectName[]> {
  const filter_subjects = subjectOfChange({ kind: 'deletion' })
  const consumer = await nats.jetstream.consumers.get(STREAM, { filter_subjects })
  const deleted: ProjectName[] = []
  for await (const { seq, data, headers } of storedMessages(consumer)) {
    if (log.at(seq)?.message_id === headers?.get('Nats-Msg-Id')) continue
    const change = changeIn(Buffer.from(data))
    if (change?.kind === 'deletion') deleted.push(change)
  }
  return deleted
}

/** The messages that say what a batch holds. */
export function* messagesOf({ entries, at, isRetold = false }: TimedEntries): Iterable<{
  readonly subject: string
  readonly body: Buffer
}> {
  const timeOf = (place: number): number => (typeof at === 'number' ? at : (at[place] ?? 0))
  for (const run of runsOf(entries).flat()) {
    const body = encodeEntries({ entries: run.entries, at: run.places.map(timeOf), isRetold })
    yield { subject: run.subject, body }
  }
}

/** A change that stands as JSON. */
export function asChange(text: string): Buffer {
  return Buffer.from(`{"v":1,"change":${text}}`)
}

// It says nothing any more, or speaks of numbers that mean other rows when it is said again.
function isOfNumbers(body: Buffer): boolean {
  if (body.length === 0) return true
  const change = changeIn(body)
  return change !== null && OF_NUMBERS.has(change.kind)
}

const OF_NUMBERS: ReadonlySet<Change['kind']> = new Set(['epoch', 'retention', 'base', 'gone'])
