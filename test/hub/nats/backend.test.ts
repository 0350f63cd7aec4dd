/** What every backend of a hub does, and what those do that share a log. */
import Database from 'better-sqlite3'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Awareness } from '#dist/hub/links/awareness.js'
import { backupHub, restoreHub } from '#dist/hub/upkeep/backup.js'
import { deleteProject } from '#dist/hub/upkeep/delete-project.js'
import type { Change, TokenChange } from '#dist/hub/changes.js'
import { Following } from '#dist/hub/links/following.js'
import { openNats, STREAM } from '#dist/hub/nats/connect.js'
import { deleteShared } from '#dist/hub/nats/delete-shared.js'
import { reconcile } from '#dist/hub/nats/reconcile.js'
import { Outflow } from '#dist/hub/links/outflow.js'
import { HubStore } from '#dist/hub/data/store.js'
import { issueToken, listTokens, revokeToken, rotateToken } from '#dist/hub/access/tokens.js'
import { verifyHub } from '#dist/hub/upkeep/verify.js'
import { createWebhook, revokeWebhook } from '#dist/hub/access/webhooks.js'
import { hashSecret } from '#dist/hub/access/secrets.js'
import { BACKENDS } from '../both-backends.ts'
import { temporaryFolder } from '../support.ts'
import {
  commitEntry,
  contentOf,
  describeNats,
  eventEntry,
  filesWith,
  keepDisk,
  linesEntry,
  PROJECT,
  pushedEntry,
  rowsOf,
  startBackend,
  startNats,
} from './support.ts'
import type { TestBackend } from './support.ts'

const HASH = 'c0'.repeat(20)
const OTHER = 'd1'.repeat(20)
const verdicts = (outcomes: readonly { verdict: string; seq: number }[]) =>
  outcomes.map(({ verdict, seq }) => [verdict, seq])

const serverOf = (name: string) => (name === 'nats' ? startNats() : Promise.resolve(null))

describe.each(BACKENDS)('a backend on %s', (name) => {
  it('answers each entry of a batch, in their order, with its number in the project', async () => {
    const one = await startBackend(await serverOf(name))
    const [first, second] = [eventEntry(), eventEntry()]
    expect(one.backend.state).toBe('ready')
    expect(
      verdicts(
        await one.append(
          first,
          linesEntry(HASH),
          commitEntry(HASH),
          linesEntry(HASH),
          second,
          pushedEntry(HASH, OTHER),
          first,
          { ...second, body: '{"other":1}' },
          commitEntry(HASH, 'M2'),
          linesEntry(HASH),
          pushedEntry(HASH),
          pushedEntry(OTHER),
        ),
      ),
    ).toEqual([
      ['accepted', 1],
      ['unannounced', 0],
      ['accepted', 2],
      ['accepted', 0],
      ['accepted', 3],
      ['accepted', 0],
      ['duplicate', 0],
      ['conflict', 0],
      ['duplicate', 0],
      ['duplicate', 0],
      ['duplicate', 0],
      ['unannounced', 0],
    ])
  })

  it('shows what is new, once and in order, before it answers, and knows who brought it', async () => {
    const one = await startBackend(await serverOf(name))
    const entries = Array.from({ length: 600 }, () => eventEntry())
    await one.append(...entries)
    expect(one.shown.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1))
    expect(one.shown.map(({ entry }) => entry)).toEqual(entries)
    expect(one.shown.every(({ isOwn }) => isOwn)).toBe(true)
    await one.append(...entries.slice(0, 3))
    expect(one.shown).toHaveLength(entries.length)
  })

  it('keeps what it answered over its end, with the numbers and the epoch, and goes on behind', async () => {
    const server = await serverOf(name)
    const one = await startBackend(server)
    const events = [eventEntry('a'), eventEntry('b')]
    await one.append(...events, commitEntry(HASH), linesEntry(HASH), pushedEntry(HASH))
    const before = contentOf(one)
    await one.close()
    const again = await startBackend(server, one.dataDir)
    expect(contentOf(again)).toEqual(before)
    expect(verdicts(await again.append(...events, eventEntry('c')))).toEqual([
      ['duplicate', 0],
      ['duplicate', 0],
      ['accepted', 4],
    ])
  })

  it('takes entries that are longer than a message of a server', async () => {
    const one = await startBackend(await serverOf(name))
    const long = eventEntry('"'.repeat(1_900_000))
    expect(verdicts(await one.append(eventEntry(), long))).toEqual([
      ['accepted', 1],
      ['accepted', 2],
    ])
    expect(one.shown.at(-1)?.entry).toEqual(long)
  })
})

describe.each(BACKENDS)('a project that is deleted on %s', (name) => {
  const OTHER_PROJECT = '11111111-2222-4333-8444-555555555555'

  it('is in no file, and its numbers go on, in the same epoch, for whoever follows it', async () => {
    const server = await serverOf(name)
    const one = await startBackend(server)
    const canary = 'pimpernel-canary'
    const sent = eventEntry(canary)
    await one.append(sent, commitEntry(HASH, canary), linesEntry(HASH, canary), eventEntry(canary))
    const neighbour = { ...eventEntry('stays'), project_uuid: OTHER_PROJECT }
    await one.append(neighbour)
    const { epoch } = contentOf(one) as { epoch: string }
    const folders = [one.dataDir, ...(server === null ? [] : [server.folder])]
    expect(filesWith(canary, ...folders)).not.toEqual([])
    const again = await withoutProject(one, server)
    expect(filesWith(canary, ...folders)).toEqual([])
    const { head = 0, forgotten } = again.store.project('acme', PROJECT) ?? {}
    expect(head).toBeGreaterThan(3)
    expect(forgotten).toBe(head)
    const empty = { feed: [], events: [], commits: [], lines: [] }
    expect(contentOf(again)).toEqual({ head, epoch, name: undefined, ...empty })
    expect(again.store.project('acme', OTHER_PROJECT)).toMatchObject({ head: 1, forgotten: 0 })
    const listed = again.store.projects.ofTeam('acme').map(({ project_uuid }) => project_uuid)
    expect(listed).toEqual([OTHER_PROJECT])
    // Whoever has all up to the last number is told, too.
    for (const after_seq of [1, 3]) {
      expect(subscribedTo(again, { epoch, after_seq })).toMatchObject({
        epoch,
        seq: head,
        history_from: head + 1,
        resumed: false,
        snapshot: { recent: [], local_only: [] },
      })
    }
    expect(verdicts(await again.append(sent))).toEqual([['accepted', head + 1]])
    expect(verdicts(await again.append(sent, eventEntry()))).toEqual([
      ['duplicate', 0],
      ['accepted', head + 2],
    ])
    expect(contentOf(again)).toMatchObject({ name: null })
    expect(subscribedTo(again, { epoch, after_seq: head })).toMatchObject({ resumed: true })
    const content = contentOf(again)
    await again.close()
    expect(verifyHub(again.dataDir)).toMatchObject({ sound: true, events: 3, gaps: [] })
    expect(contentOf(await startBackend(server, again.dataDir))).toEqual(content)
  })
})

/** The project goes as commands delete it: while no hub serves the folder, or while hubs do that share it. */
async function withoutProject(
  one: TestBackend,
  server: Awaited<ReturnType<typeof serverOf>>,
): Promise<TestBackend> {
  if (server !== null) {
    await deleteShared({ servers: server.url }, 'acme', PROJECT)
    await vi.waitFor(() => expect(one.store.project('acme', PROJECT)?.forgotten).toBeGreaterThan(0))
    return one
  }
  await one.close()
  const { dataDir } = one
  deleteProject({ dataDir, team: 'acme', project: PROJECT })
  return startBackend(null, dataDir)
}

/** What a subscriber is told that comes with a place. */
function subscribedTo(
  { store }: TestBackend,
  place: { epoch: string; after_seq: number },
): unknown {
  const socket = { readyState: 1, OPEN: 1, bufferedAmount: 0, send: () => {} } as const
  const following = new Following(
    store,
    new Outflow(socket, new PassThrough(), { tooSlow: () => {} }),
  )
  const session = { team: 'acme', user: 'sam', login: 'l', secret: 's', endsAt: null }
  const awareness = new Awareness(store, () => {})
  const frame = { type: 'subscribe', project_uuid: PROJECT, ...place } as const
  const answer = awareness.take({ session, following }, frame)
  awareness.close()
  return JSON.parse('frames' in answer ? (answer.frames[0] ?? '') : '{}')
}

describeNats('hubs that share a log', () => {
  it('have the same rows with the same numbers, and show what others brought', async () => {
    const server = await startNats()
    const hubs = [
      await startBackend(server),
      await startBackend(server),
      await startBackend(server),
    ]
    await Promise.all(
      hubs.map(async (hub, at) => {
        for (let i = 0; i < 20; i++) {
          const hash = `${at}a${i}b`.padEnd(40, '0')
          await hub.append(eventEntry(), commitEntry(hash), linesEntry(hash, hash), eventEntry())
          await hub.append(pushedEntry(hash))
        }
      }),
    )
    await vi.waitFor(() => expect(hubs.map(({ shown }) => shown.length)).toEqual([180, 180, 180]))
    await vi.waitFor(() => {
      const [content, ...others] = hubs.map(contentOf)
      for (const other of others) expect(other).toEqual(content)
    })
    const [first, second] = hubs
    expect(second?.shown.map(({ seq }) => seq)).toEqual(first?.shown.map((_, index) => index + 1))
    expect(first?.shown.filter(({ isOwn }) => isOwn)).toHaveLength(60)
    const late = await startBackend(server)
    expect(contentOf(late)).toEqual(contentOf(hubs[0] ?? late))
  })

  it('count what comes by two of them as one, long after the server has forgotten its id', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    const event = eventEntry()
    const all = await Promise.all([one.append(event), other.append(event), one.append(event)])
    expect(all.map(([outcome]) => outcome?.verdict).toSorted()).toEqual([
      'accepted',
      'duplicate',
      'duplicate',
    ])
    // No message of the hub has the event's id: what is known of it is in the rows.
    expect(verdicts(await other.append({ ...event, body: '{}' }))).toEqual([['conflict', 0]])
  })

  it('begin from a backup of another, and need of the log only what came since', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    issueToken({ dataDir: one.dataDir, team: 'acme', user: 'sam' })
    await one.backend.shared?.tell()
    await one.append(eventEntry('a'), commitEntry(HASH), linesEntry(HASH), pushedEntry(HASH))
    const file = join(temporaryFolder(), 'backup.db')
    backupHub(one.dataDir, file)
    const { seq } = one.store.copy.log.position
    await one.append(eventEntry('b'))
    const { manager, connection } = await openNats({ servers: server.url })
    await manager.streams.purge(STREAM, { seq: seq + 1 })
    await connection.close()
    const dataDir = join(temporaryFolder(), 'new')
    const { epoch, shared, before } = restoreHub(dataDir, file)
    expect([epoch, shared, before]).toEqual([one.store.epoch.id, true, null])
    const late = await startBackend(server, dataDir)
    expect(contentOf(late)).toEqual(contentOf(one))
    expect(listTokens(dataDir)).toEqual(listTokens(one.dataDir))
    expect(verdicts(await late.append(eventEntry('c')))).toEqual([['accepted', 4]])
    await vi.waitFor(() => expect(contentOf(one)).toEqual(contentOf(late)))
    expect(one.restarts + late.restarts).toBe(1)
  })

  it('keep senders waiting while no server is there, and lose and double nothing', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    await one.append(eventEntry('first'))
    await server.kill()
    await vi.waitFor(() => expect(one.backend.state).toBe('away'))
    const events = Array.from({ length: 5 }, (_, index) => eventEntry(String(index)))
    let isAnswered = false
    const waiting = one.append(...events).finally(() => {
      isAnswered = true
    })
    await expect(one.backend.shared?.catchUp()).rejects.toMatchObject({ code: 'HUB_AWAY' })
    expect(isAnswered).toBe(false)
    await server.start()
    expect(verdicts(await waiting)).toEqual(events.map((_, index) => ['accepted', index + 2]))
    await vi.waitFor(() => expect(contentOf(other)).toEqual(contentOf(one)), 10_000)
    expect(one.restarts).toBe(1)
  })

  it('put back what a server lost, each in its place, so that nobody notices', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(eventEntry('kept'), commitEntry(HASH))
    const disk = await keepDisk(server)
    await one.append(eventEntry('lost'), linesEntry(HASH), commitEntry(OTHER))
    const before = contentOf(one)
    const { restarts } = one
    await disk.putBack()
    await one.append(eventEntry('later'))
    expect(one.restarts).toBe(restarts)
    const late = await startBackend(server)
    expect(contentOf(late)).toEqual(contentOf(one))
    expect(contentOf(late)).toMatchObject({ epoch: (before as { epoch: string }).epoch, head: 5 })
  })

  it('begin an epoch together where a server lost what one had and another wrote there since', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    const kept = eventEntry('kept')
    await one.append(kept)
    await vi.waitFor(() => expect(other.shown).toHaveLength(1))
    const { epoch } = contentOf(one) as { epoch: string }
    const disk = await keepDisk(server)
    await other.close()
    const lost = [eventEntry('lost 1'), eventEntry('lost 2'), eventEntry('lost 3')]
    for (const event of lost) await one.append(event)
    issueToken({ dataDir: one.dataDir, team: 'acme', user: 'kim' })
    await one.close()
    await disk.putBack()
    const again = await startBackend(server, other.dataDir)
    const taken = eventEntry('in its place')
    await again.append(taken)
    const back = await startBackend(server, one.dataDir)
    await vi.waitFor(() => expect(contentOf(again)).toEqual(contentOf(back)), 10_000)
    const content = contentOf(back) as { epoch: string; feed: { body: string }[] }
    expect(content.epoch).not.toBe(epoch)
    const bodies = [kept, taken, ...lost].map(({ body }) => body)
    expect(content.feed.map(({ body }) => body)).toEqual(bodies)
    expect(again.restarts).toBeGreaterThan(0)
    expect(listTokens(again.dataDir).map(({ user }) => user)).toEqual(['kim'])
    expect(listTokens(back.dataDir).map(({ user }) => user)).toEqual(['kim'])
  })

  it('hold what they had until they have it anew, though the server loses twice what it was told', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    const disk = await keepDisk(server)
    await other.close()
    const lost = [eventEntry('lost 1'), eventEntry('lost 2')]
    for (const event of lost) await one.append(event)
    await one.close()
    await disk.putBack()
    const taker = await startBackend(server, other.dataDir)
    await taker.append(eventEntry('in its place'))
    await taker.close()
    const later = await keepDisk(server)
    // As far as a hub came that was ended before it had read again what it said.
    const begin = async (): Promise<readonly [string, number]> => {
      const store = new HubStore(one.dataDir, 'shared')
      const nats = await openNats({ servers: server.url })
      const found = await reconcile(nats, store, one.dataDir)
      const { state } = await nats.manager.streams.info(STREAM)
      await nats.connection.close()
      store.close()
      return [found, state.last_seq]
    }
    const [found, said] = await begin()
    expect(found).toBe('rebuilt')
    expect(await begin()).toEqual(['kept', said])
    await later.putBack()
    const back = await startBackend(server, one.dataDir)
    const { feed } = contentOf(back) as { feed: { body: string }[] }
    expect(feed.map(({ body }) => body).slice(1)).toEqual(lost.map(({ body }) => body))
    expect(readdirSync(one.dataDir).filter((name) => name.includes('earlier'))).toEqual([])
    const again = await startBackend(server, other.dataDir)
    await vi.waitFor(() => expect(contentOf(again)).toEqual(contentOf(back)), 10_000)
  })

  it('say all again to a server that has nothing, though they keep only the last messages', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    const { token } = issueToken({ dataDir: one.dataDir, team: 'acme', user: 'sam' })
    await one.append(eventEntry('a'), commitEntry(HASH), linesEntry(HASH), pushedEntry(HASH))
    await one.append(eventEntry('b'))
    const [before, rows] = [contentOf(one) as { epoch: string }, rowsOf(one)]
    await one.close()
    const database = new Database(join(one.dataDir, 'hub.db'))
    database.exec('DELETE FROM log WHERE stream_seq < (SELECT max(stream_seq) FROM log)')
    database.close()
    const empty = await startNats()
    const again = await startBackend(empty, one.dataDir)
    expect((contentOf(again) as { epoch: string }).epoch).not.toBe(before.epoch)
    expect(rowsOf(again)).toEqual(rows)
    expect(again.store.holderOf(hashSecret(token))).toMatchObject({ user: 'sam' })
    expect(verdicts(await again.append(eventEntry('c')))).toEqual([['accepted', 4]])
  })

  it('look further back where the last message was deleted on purpose', async () => {
    const [server, foreign] = [await startNats(), await startNats()]
    const one = await startBackend(server)
    await one.append(eventEntry('a'))
    await one.append(eventEntry('b'))
    const { seq } = one.store.copy.log.position
    await one.close()
    const other = await startBackend(foreign)
    for (let i = 0; i < seq + 2; i++) await other.append(eventEntry(`other ${i}`))
    for (const { url } of [server, foreign]) {
      const { manager, connection } = await openNats({ servers: url })
      await manager.streams.deleteMessage(STREAM, seq)
      await connection.close()
    }
    const same = await startBackend(server, one.dataDir)
    expect(same.restarts).toBe(0)
    await same.close()
    const moved = await startBackend(foreign, one.dataDir)
    expect(moved.restarts).toBeGreaterThan(0)
    // What the other hub wrote, less the one that was deleted, and what this one had.
    expect(contentOf(moved)).toMatchObject({ head: seq + 2 - 1 + 2 })
  })

  it('know of tokens and webhooks whatever a command changes at one of them, and an end is for good', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    const tell = async () => {
      await one.backend.shared?.tell()
      await other.backend.shared?.tell()
      await one.backend.shared?.catchUp()
      await other.backend.shared?.catchUp()
    }
    const { token, token_id } = issueToken({ dataDir: one.dataDir, team: 'acme', user: 'sam' })
    const webhook = createWebhook({ dataDir: other.dataDir, team: 'acme', project: PROJECT })
    await tell()
    const holder = { team: 'acme', user: 'sam', token_id }
    expect(other.store.holderOf(hashSecret(token))).toMatchObject(holder)
    expect(one.store.webhook(webhook.webhook_id)).toMatchObject({ secret: webhook.secret })
    const rotated = rotateToken(other.dataDir, token_id, 60_000)
    await tell()
    expect(one.store.holderOf(hashSecret(rotated.token))).toMatchObject(holder)
    // One of them revokes while the other, which does not know yet, rotates.
    revokeToken(one.dataDir, token_id)
    revokeWebhook(one.dataDir, webhook.webhook_id)
    const last = rotateToken(other.dataDir, token_id, 0)
    await tell()
    for (const { store } of [one, other]) {
      expect(store.holderOf(hashSecret(rotated.token))).toBeNull()
      expect(store.holderOf(hashSecret(last.token))).toBeNull()
      expect(store.webhook(webhook.webhook_id)).toBeNull()
    }
    expect(listTokens(other.dataDir)).toEqual(listTokens(one.dataDir))
    expect([...one.store.copy.changes.untold(), ...other.store.copy.changes.untold()]).toEqual([])
  })

  it('let what a command changed here stand until it is told, and an end for ever', () => {
    const dataDir = temporaryFolder()
    const store = new HubStore(dataDir, 'shared')
    onTestFinished(() => store.close())
    let stream_seq = 0
    const hear = (change: Change) => {
      stream_seq += 1
      const about = { message_id: String(stream_seq), subject: 'adm.change', body: Buffer.from('') }
      store.copy.apply([{ ...about, stream_seq, meaning: { change } }])
    }
    const { token_id } = issueToken({ dataDir, team: 'acme', user: 'sam' })
    const told = (): TokenChange[] =>
      store.copy.changes.untold().map((text) => JSON.parse(text) as TokenChange)
    const [first] = told()
    if (first === undefined) throw new Error('nothing to tell')
    hear(first)
    expect(told()).toEqual([])
    const rotated = rotateToken(dataDir, token_id, 0)
    // What others said before they knew of it.
    hear(first)
    expect(store.holderOf(hashSecret(rotated.token))).toMatchObject({ user: 'sam' })
    const [second] = told()
    expect(second?.secrets).toHaveLength(2)
    hear({ ...first, revoked_at: 1, secrets: [] })
    hear(second ?? first)
    expect(store.holderOf(hashSecret(rotated.token))).toBeNull()
    expect(listTokens(dataDir)).toMatchObject([{ token_id, state: 'revoked' }])
    expect(told()).toEqual([])
  })

  it('put no commit of a mission behind one that they have not seen', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    await one.append(commitEntry(HASH), eventEntry())
    await other.append(commitEntry(OTHER))
    await one.append(commitEntry('e2'.repeat(20)), commitEntry('f3'.repeat(20), 'M2'))
    const { manager, connection } = await openNats({ servers: server.url })
    const expected = []
    for (let seq = one.store.copy.log.position.seq; seq > 0; seq--) {
      const message = await manager.streams.getMessage(STREAM, { seq })
      if (message?.subject.startsWith('mis.') !== true) continue
      expected.unshift([seq, message.header.get('Nats-Expected-Last-Subject-Sequence')])
    }
    await connection.close()
    const places = expected.map(([seq]) => String(seq))
    expect(expected.map(([, last]) => last)).toEqual(['0', places[0], places[1], '0'])
  })

  it('take a pass once, whichever of them is asked', async () => {
    const server = await startNats()
    const hubs = [await startBackend(server), await startBackend(server)]
    const passes = hubs.map(({ backend }) => backend.shared?.passes)
    await passes[0]?.put('ticket.ab', 'whose')
    const taken = await Promise.all(
      [1, 0, 1, 0, 1].map(async (at) => passes[at]?.take('ticket.ab')),
    )
    expect(taken.filter((value) => value !== null)).toEqual(['whose'])
    expect(await passes[1]?.take('ticket.none')).toBeNull()
    await server.kill()
    await vi.waitFor(() => expect(hubs[0]?.backend.state).toBe('away'))
    await expect(passes[0]?.put('ticket.cd', 'x')).rejects.toMatchObject({ code: 'HUB_AWAY' })
  })

  it('refuse a folder that holds data of its own, and the other way round', async () => {
    const own = await startBackend(null)
    await own.append(eventEntry())
    await own.close()
    const server = await startNats()
    await expect(startBackend(server, own.dataDir)).rejects.toMatchObject({
      code: 'HUB_DATA_NOT_SHARED',
    })
    const shared = await startBackend(server)
    await shared.close()
    await expect(startBackend(null, shared.dataDir)).rejects.toMatchObject({
      code: 'HUB_DATA_SHARED',
    })
    const { dataDir } = shared
    const file = join(temporaryFolder(), 'backup.db')
    backupHub(dataDir, file)
    const refused = expect.objectContaining({ code: 'HUB_DATA_SHARED' }) as Error
    expect(() => restoreHub(dataDir, file)).toThrow(refused)
    expect(() => restoreHub(own.dataDir, file)).toThrow(refused)
    expect(() => deleteProject({ dataDir, team: 'acme', project: PROJECT })).toThrow(refused)
  })

  it('say why a server can not be used', async () => {
    const plain = await startNats(['--user', 'hub', '--pass', 'secret'])
    await expect(startBackend(plain)).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    const nobody = await startBackend(
      Object.assign(Object.create(plain) as typeof plain, { port: 1 }),
      temporaryFolder(),
    )
    expect(nobody.backend.state).toBe('behind')
  })
})
