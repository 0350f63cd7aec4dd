/** How entries and changes stand in the stream: which subjects they have, how many go into one message, and its bytes. */
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { z } from 'zod'
import { parseJson } from '../../contracts/json/json.ts'
import { CHANGE } from '../changes.ts'
import type { Change } from '../changes.ts'
import type { Entry, TimedEntries } from '../entries.ts'
import { MESSAGE_ENTRIES_MAX, MESSAGE_LENGTH_MAX } from '../limits.ts'

/** All that the stream holds. */
export const SUBJECTS: readonly string[] = ['evt.>', 'mis.>', 'adm.>']
const VERSION = 1
/** No JSON begins with it. */
const DEFLATED = 0
const DEFLATED_LENGTH_MAX = 16 * 1024 * 1024

const ids = { team: z.string(), project_uuid: z.string() }
const emptied = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .optional()
const row = z.strictObject({ line: z.number(), key: z.string(), body: z.string() })
const ENTRY = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('event'),
    ...ids,
    event_id: z.string(),
    node_id: z.string(),
    lamport_clock: z.number(),
    body: z.string(),
    emptied,
  }),
  z.strictObject({
    kind: z.literal('commit'),
    ...ids,
    git_hash: z.string(),
    user: z.string().nullable(),
    body: z.string(),
    emptied,
  }),
  z.strictObject({
    kind: z.literal('lines'),
    ...ids,
    project_slug: z.string().optional(),
    git_hash: z.string(),
    mission: z.string(),
    mission_id: z.string().nullable(),
    ledger: z.enum(['decisions', 'status']),
    history: z.boolean(),
    rows: z.array(row),
  }),
  z.strictObject({ kind: z.literal('pushed'), ...ids, hashes: z.array(z.string()) }),
])
const MESSAGE = z.union([
  z.strictObject({
    v: z.literal(VERSION),
    at: z.union([z.number(), z.array(z.number())]),
    entries: z.array(ENTRY),
    is_retold: z.literal(true).optional(),
  }),
  z.strictObject({ v: z.literal(VERSION), change: CHANGE }),
])

/** A subject's token from any text, and each text has its own: what NATS gives a meaning to is written as bytes. */
export function tokenOf(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9-]/gu, (letter) =>
    [...Buffer.from(letter)].map((byte) => `_${byte.toString(16).padStart(2, '0')}`).join(''),
  )
}

/** Where an entry stands: commits by mission, what else happens in a project by its kind. */
export function subjectOf(entry: Entry): string {
  const place = `${tokenOf(entry.team)}.${tokenOf(entry.project_uuid)}`
  if (entry.kind !== 'commit') return `evt.${place}.${entry.kind}`
  const mission = entry.emptied === undefined ? missionOf(entry.body) : NO_MISSION
  return `mis.${place}.${tokenOf(mission)}`
}

export function subjectOfChange({ kind }: Pick<Change, 'kind'>): string {
  return `adm.${kind}`
}

/** With what all subjects of a project begin. */
export function prefixesOf(team: string, projectUuid: string): readonly string[] {
  const place = `${tokenOf(team)}.${tokenOf(projectUuid)}`
  return [`evt.${place}.`, `mis.${place}.`]
}

/** Whether a message there must follow the last one of its subject that its hub knows. */
export function isOrdered(subject: string): boolean {
  return subject.startsWith('mis.')
}

const NO_MISSION = '-'
const MISSION = z.object({ mission_id: z.string() })

function missionOf(body: string): string {
  const { data } = MISSION.safeParse(parseJson(body, body.length))
  return data?.mission_id ?? NO_MISSION
}

/** Entries of one subject, and their places in what they were taken from. */
export type Run = {
  readonly subject: string
  readonly entries: readonly Entry[]
  readonly places: readonly number[]
}

/** What has to be published one after the other for each project; between projects there is no order. */
export function runsOf(entries: readonly Entry[]): readonly (readonly Run[])[] {
  const runsByProject = new Map<string, OpenRun[]>()
  for (const [place, entry] of entries.entries()) {
    const key = `${entry.team} ${entry.project_uuid}`
    const runs = runsByProject.get(key) ?? []
    runsByProject.set(key, runs)
    const subject = subjectOf(entry)
    const length = lengthOf(entry)
    const last = runs.at(-1)
    const hasRoom =
      last !== undefined &&
      last.subject === subject &&
      last.entries.length < MESSAGE_ENTRIES_MAX &&
      last.length + length <= MESSAGE_LENGTH_MAX
    const run = hasRoom ? last : { subject, entries: [], places: [], length: 0 }
    if (!hasRoom) runs.push(run)
    run.entries.push(entry)
    run.places.push(place)
    run.length += length
  }
  return [...runsByProject.values()]
}

type OpenRun = { subject: string; entries: Entry[]; places: number[]; length: number }

function lengthOf(entry: Entry): number {
  if (entry.kind === 'pushed') return entry.hashes.join('').length
  if (entry.kind !== 'lines') return entry.body.length
  return entry.rows.reduce((sum, { body }) => sum + body.length, 0)
}

/** A message that is long, as one entry can make it, is deflated: a server takes so much and no more. */
export function encodeEntries({ entries, at, isRetold = false }: TimedEntries): Buffer {
  const text = JSON.stringify({ v: VERSION, at, entries, ...(isRetold ? { is_retold: true } : {}) })
  const bytes = Buffer.from(text)
  if (bytes.length <= MESSAGE_LENGTH_MAX * 2) return bytes
  return Buffer.concat([Buffer.from([DEFLATED]), deflateRawSync(bytes)])
}

export function encodeChange(change: Change): Buffer {
  return Buffer.from(JSON.stringify({ v: VERSION, change }))
}

/** What the bytes of a message say: `newer` where another version wrote them, null where they are nobody's. */
export function readMessage(body: Buffer): Meaning | 'newer' | null {
  try {
    const bytes =
      body[0] === DEFLATED
        ? inflateRawSync(body.subarray(1), { maxOutputLength: DEFLATED_LENGTH_MAX })
        : body
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    const { data } = MESSAGE.safeParse(value)
    if (data === undefined) return NEWER.safeParse(value).success ? 'newer' : null
    if ('change' in data) return { change: data.change }
    const { at, entries, is_retold = false } = data
    return { at, entries, isRetold: is_retold }
  } catch {
    return null
  }
}

const NEWER = z.looseObject({ v: z.number().gt(VERSION) })

export type Meaning = TimedEntries | { readonly change: Change }
