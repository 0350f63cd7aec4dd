/** Events that were refused for good: who runs the hub can see which, whose and why, and nothing of what they said. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { JsonObject } from '#dist/contracts/json/json.js'
import { listDeadLetters } from '#dist/hub/data/dead-letters-table.js'
import { DEAD_LETTERS_MAX } from '#dist/hub/limits.js'
import { HubStore } from '#dist/hub/data/store.js'
import { issueToken } from '#dist/hub/access/tokens.js'
import { runCli } from '../support/cli-in-process.ts'
import { BACKENDS, serveOn } from './both-backends.ts'
import {
  batchOf,
  newEvent,
  newUlid,
  openLink,
  postBatch,
  request,
  temporaryFolder,
} from './support.ts'

const CANARY = 'woodruff-canary'
const [project_uuid, other] = [randomUUID(), randomUUID()]

type Letter = Record<'event_id' | 'category' | 'project_uuid' | 'token_id', string | null>

describe.each(BACKENDS)('dead letters on %s', (backend) => {
  it('name what was refused by every way, keep nothing of it, and go with their project', async () => {
    const { hub, dataDir, nats, stop } = await serveOn(backend)
    onTestFinished(stop)
    const { token, token_id } = issueToken({ dataDir, team: 'acme', user: 'sam' })
    const where = nats === null ? ['--data', dataDir] : ['--nats', nats]
    const cli = async (...words: string[]): Promise<Record<string, unknown>> =>
      JSON.parse((await runCli(dataDir, ['hub', ...words, ...where, '--json'])).out) as never
    const listed = async (): Promise<readonly Letter[]> =>
      (await cli('dead-letters'))['dead_letters'] as Letter[]
    expect(await listed()).toEqual([])
    const kept = newEvent({ project_uuid })
    const payload = { note: CANARY }
    const changed = { ...kept, payload }
    const bad = { event_id: newUlid(), project_uuid: other, payload, event_type: CANARY }
    const nobodys = { event_id: newUlid(), project_uuid: CANARY, payload }
    const decision = newEvent({ project_uuid, event_type: 'DecisionInputRequested', payload })
    // Hubs that share what they hold know within half a second.
    await vi.waitFor(async () => {
      expect((await request(hub, '/api/v1/me', token)).status).toBe(200)
    }, 5_000)
    const link = await openLink(hub, token)
    const frames = [kept, changed, bad].map((event): JsonObject => ({ type: 'event', ...event }))
    link.send(...frames.map((frame) => JSON.stringify(frame)), batchOf(1, [kept, decision]))
    await link.take(4)
    await postBatch(hub, token, { events: [nobodys, kept] })
    const about = { team: 'acme', token_id, refused_at: expect.any(String) as string }
    const letters = [
      { ...about, event_id: bad.event_id, category: 'invalid_event', project_uuid: other },
      { ...about, event_id: kept.event_id, category: 'event_id_conflict', project_uuid },
      { ...about, event_id: decision.event_id, category: 'event_type_not_allowed', project_uuid },
      { ...about, event_id: nobodys.event_id, category: 'invalid_event', project_uuid: null },
    ]
    await vi.waitFor(async () => expect(await listed()).toEqual(letters))
    // Said again, it is one.
    link.send(JSON.stringify({ type: 'event', ...changed }))
    await link.next()
    const last = [...letters.filter(({ event_id }) => event_id !== kept.event_id), letters[1]]
    await vi.waitFor(async () => expect(await listed()).toEqual(last))
    if (nats === null) await hub.stop()
    await cli('delete', '--team', 'acme', '--project', project_uuid, '--yes')
    expect(await listed()).toEqual([letters[0]])
  })
})

describe('a hub that is alone', () => {
  it('keeps the latest dead letters, and none that is older than its events', async () => {
    const dataDir = temporaryFolder()
    const store = new HubStore(dataDir)
    const about = { team: 't', project_uuid: null, category: 'invalid_event', token_id: 'tok' }
    const letters = Array.from({ length: DEAD_LETTERS_MAX + 5 }, (_, at) => {
      return { ...about, event_id: `${at}`, refused_at: at < 10 ? 0 : Date.now() }
    })
    store.deadLetters.add(letters)
    store.close()
    const kept = letters.slice(5)
    expect(listDeadLetters(dataDir)).toEqual(kept)
    await runCli(dataDir, ['hub', 'retain', '--keep-days', '1', '--yes', '--data', dataDir])
    expect(listDeadLetters(dataDir)).toEqual(kept.slice(5))
  })
})
