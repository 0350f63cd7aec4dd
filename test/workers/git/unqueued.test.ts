import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { ulid } from 'ulid'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SerializedEvent } from '#dist/contracts/event.js'
import { DurableFs } from '#dist/workers/git/disk/durable-fs.js'
import { hasUnqueued, Unqueued } from '#dist/workers/git/ledgers/unqueued.js'
import { Warnings } from '#dist/workers/git/warnings.js'
import { LedgerRepository } from '../../support/ledger-repository.ts'

let repository: LedgerRepository
let warnings: Warnings
let unqueued: Unqueued
let log: string

beforeEach(() => {
  repository = new LedgerRepository()
  warnings = new Warnings()
  const { root, commonDir } = repository
  unqueued = new Unqueued({ fs: new DurableFs(commonDir), root, commonDir, warnings })
  log = join(root, 'kitty-specs/first/status.events.jsonl')
  mkdirSync(dirname(log), { recursive: true })
})

afterEach(() => repository.remove())

const event = (id: string): SerializedEvent =>
  `{"event_id":"${id}","quote":"\\""}` as SerializedEvent
const folder = (): string => join(repository.commonDir, 'kittiwake/unqueued')

describe('an event whose line is about to be written', () => {
  it('is found once its line is in the log, as it was noted, oldest first', async () => {
    const [first, second] = [ulid(1), ulid(2)]
    await unqueued.note(event(second), second, log)
    await unqueued.note(event(first), first, log)
    writeFileSync(log, `{"event_id": "${second}"}\n{"event_id":"${first}"}\n`)
    expect(hasUnqueued(repository.commonDir)).toBe(true)
    expect(await unqueued.events()).toEqual([event(first), event(second)])
    expect(await unqueued.events()).toHaveLength(2)
  })

  it('goes once the outbox has it, and with the last one the folder', async () => {
    const [first, second] = [ulid(1), ulid(2)]
    writeFileSync(log, `{"event_id": "${first}"}\n{"event_id": "${second}"}\n`)
    await unqueued.note(event(first), first, log)
    await unqueued.note(event(second), second, log)
    await unqueued.forget([first, ulid(), '../../config'])
    expect(await unqueued.events()).toEqual([event(second)])
    await unqueued.forget([second])
    expect(hasUnqueued(repository.commonDir)).toBe(false)
    expect(existsSync(join(repository.commonDir, 'config'))).toBe(true)
    expect(await unqueued.events()).toEqual([])
  })

  it.each([
    ['without a log', null],
    ['in a log without it', '{"event_id": "01J0000000000000000000000"}\n'],
    ['whose line is torn', '{"event_id": "ID"'],
    ['that another line only mentions', '{"event_id": "01J0000000000000000000000", "of": "ID"}\n'],
  ])('%s is forgotten, for nobody was told of it', async (_, text) => {
    const id = ulid()
    await unqueued.note(event(id), id, log)
    if (text !== null) writeFileSync(log, text.replace('ID', id))
    expect(await unqueued.events()).toEqual([])
    expect(hasUnqueued(repository.commonDir)).toBe(false)
  })

  it('waits where its log can not be read now', async () => {
    const id = ulid()
    await unqueued.note(event(id), id, log)
    mkdirSync(log)
    expect(await unqueued.events()).toEqual([])
    expect(readdirSync(folder())).toEqual([`${id}.json`])
  })

  it('is noted anew by the command that is sent again', async () => {
    const id = ulid()
    await unqueued.note(event(id), id, log)
    await unqueued.note(event(id), id, log)
    appendFileSync(log, `{"event_id": "${id}"}\n`)
    expect(await unqueued.events()).toEqual([event(id)])
  })

  it('is set aside, and named, where its note is damaged; the others go on', async () => {
    const [first, second] = [ulid(1), ulid(2)]
    await unqueued.note(event(first), first, log)
    await unqueued.note(event(second), second, log)
    writeFileSync(log, `{"event_id": "${first}"}\n{"event_id": "${second}"}\n`)
    writeFileSync(join(folder(), `${first}.json`), '{"log":')
    expect(await unqueued.events()).toEqual([event(second)])
    expect(warnings.take().map(({ code }) => code)).toEqual(['UNQUEUED_DAMAGED'])
    expect(readdirSync(folder()).sort()).toEqual([`${first}.json.damaged-1`, `${second}.json`])
    await unqueued.forget([second])
    expect(hasUnqueued(repository.commonDir)).toBe(false)
  })

  it('is noted without the way to the checkout (L4)', async () => {
    const id = ulid()
    await unqueued.note(event(id), id, log)
    expect(readFileSync(join(folder(), `${id}.json`), 'utf8')).not.toContain(repository.root)
  })
})
