/** Hubs that share a log and keep so many days of it: all empty the same, and a base stands for what the log said before. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Entry } from '#dist/hub/entries.js'
import { headOf, makeBase } from '#dist/hub/nats/base.js'
import { BASE_STREAM, openNats, STREAM } from '#dist/hub/nats/connect.js'
import type { Nats } from '#dist/hub/nats/connect.js'
import { deleteShared } from '#dist/hub/nats/delete-shared.js'
import { Follower } from '#dist/hub/nats/follower.js'
import { encodeEntries } from '#dist/hub/data/messages.js'
import { migrateFromNats } from '#dist/hub/nats/migrate.js'
import { Publisher } from '#dist/hub/nats/publisher.js'
import { SharedKeeper, retainShared } from '#dist/hub/nats/retain-shared.js'
import { HubStore } from '#dist/hub/data/store.js'
import { issueToken, listTokens } from '#dist/hub/access/tokens.js'
import { verifyHub } from '#dist/hub/upkeep/verify.js'
import { NatsProcess } from '../../../scripts/nats-process.mjs'
import { Program } from '../../support/program.ts'
import { request, temporaryFolder } from '../support.ts'
import {
  commitEntry,
  contentOf,
  describeNats,
  eventEntry,
  filesOf,
  filesWith,
  keepDisk,
  linesEntry,
  PROJECT,
  pushedEntry,
  startBackend,
  startNats,
} from './support.ts'
import type { TestBackend } from './support.ts'

const CANARY = 'samphire-canary'
const OTHER_PROJECT = '11111111-2222-4333-8444-555555555555'
const [HASH, NEWER_HASH] = ['c0'.repeat(20), 'd1'.repeat(20)]

type Content = { readonly head: number; readonly epoch: string; readonly feed: { body: string }[] }
const content = (one: TestBackend): Content => contentOf(one) as Content
const bodies = (one: TestBackend): readonly string[] => content(one).feed.map(({ body }) => body)

async function open(server: NatsProcess): Promise<Nats> {
  const nats = await openNats({ servers: server.url })
  onTestFinished(() => nats.connection.close())
  return nats
}

/** All that is there, unless a time is said. */
function retain(server: NatsProcess, before = Infinity) {
  return retainShared({ nats: { servers: server.url }, before, project: null, isDryRun: false })
}

/** A time that all that came is older than. */
async function later(): Promise<number> {
  const now = Date.now()
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(now), { interval: 1 })
  return Date.now()
}

const term = (): Entry & { kind: 'event' } => {
  const entry = eventEntry()
  return {
    ...entry,
    body: `{"event_id":"${entry.event_id}","event_type":"GlossaryClarificationRequested"}`,
  }
}

async function agree(...hubs: readonly TestBackend[]): Promise<void> {
  const [first, ...others] = hubs
  if (first === undefined) throw new Error('no hub')
  await vi.waitFor(() => {
    for (const other of others) expect(content(other)).toEqual(content(first))
  }, 10_000)
}

function changed(dataDir: string, sql: string): void {
  const database = new Database(join(dataDir, 'hub.db'))
  database.exec(sql)
  database.close()
}

/** As they lie in their stream. */
async function rawPieces({ manager }: Nats): Promise<readonly Buffer[]> {
  const { state } = await manager.streams.info(BASE_STREAM, { subjects_filter: '>' })
  const subjects = Object.keys(state.subjects ?? {}).filter((name) => name !== 'base.head')
  const found = await Promise.all(
    subjects.map((last_by_subj) => manager.streams.getMessage(BASE_STREAM, { last_by_subj })),
  )
  return found.flatMap((one) => (one === null ? [] : [Buffer.from(one.data)]))
}

async function piecesOf(nats: Nats): Promise<string> {
  return (await rawPieces(nats)).map((piece) => inflateRawSync(piece).toString('utf8')).join('')
}

describeNats('what hubs share and is older than it is to be kept', () => {
  it('is emptied at each of them and in the log, and is known when it is sent again', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    const old = Array.from({ length: 450 }, () => eventEntry(CANARY))
    const commit = commitEntry(HASH, CANARY)
    const asked = term()
    await one.append(...old.slice(0, 300), commit, linesEntry(HASH), asked, pushedEntry(HASH))
    await other.append(...old.slice(300))
    issueToken({ dataDir: one.dataDir, team: 'acme', user: 'sam' })
    await one.backend.shared?.tell()
    await agree(one, other)
    const { epoch } = content(one)
    const restarts = [one.restarts, other.restarts]
    const before = await later()
    const recent = [eventEntry('recent'), commitEntry(NEWER_HASH)]
    await one.append(...recent)
    const request = { nats: { servers: server.url }, project: null }
    const counted = { events: 450, commits: 1 }
    expect(await retainShared({ ...request, before, isDryRun: true })).toEqual(counted)
    expect(bodies(one)).toHaveLength(454)
    expect(await retainShared({ ...request, before, isDryRun: false })).toEqual(counted)
    await vi.waitFor(() => {
      for (const { dataDir } of [one, other]) expect(filesWith(CANARY, dataDir)).toEqual([])
    }, 10_000)
    expect(filesWith(CANARY, server.folder)).toEqual([])
    await agree(one, other)
    expect(bodies(one)).toEqual(recent.map(({ body }) => body))
    expect(content(one)).toMatchObject({ head: 454, epoch })
    expect([one.restarts, other.restarts]).toEqual(restarts)
    // Who comes late has the same, with nothing but the base and what came after it.
    const late = await startBackend(server)
    expect(content(late)).toEqual(content(one))
    expect(late.store.glossaryEvents(1).bodies).toEqual([asked.body])
    expect(listTokens(late.dataDir).map(({ user }) => user)).toEqual(['sam'])
    const again = await late.append(
      old[7] ?? asked,
      commit,
      linesEntry(HASH, 'y'),
      eventEntry('new'),
    )
    expect(again.map(({ verdict, seq }) => [verdict, seq])).toEqual([
      ['duplicate', 0],
      ['duplicate', 0],
      ['accepted', 0],
      ['accepted', 455],
    ])
    await agree(one, other, late)
    for (const hub of [one, other, late]) {
      await hub.close()
      expect(verifyHub(hub.dataDir)).toMatchObject({ sound: true, events: 3, commits: 1 })
    }
  })

  it('goes from a hub that was away, which takes the base and tells what changed there meanwhile', async () => {
    const server = await startNats()
    const [one, away] = [await startBackend(server), await startBackend(server)]
    await one.append(eventEntry(CANARY), commitEntry(HASH))
    await agree(one, away)
    await away.close()
    issueToken({ dataDir: away.dataDir, team: 'acme', user: 'kim' })
    await one.append(eventEntry(CANARY), linesEntry(HASH))
    await retain(server)
    await one.append(eventEntry('later'))
    // Of one that was ended while it took a base.
    mkdirSync(join(away.dataDir, 'base-ended'))
    const back = await startBackend(server, away.dataDir)
    expect(back.restarts).toBe(1)
    await agree(one, back)
    expect(content(back).epoch).toBe(content(one).epoch)
    expect(bodies(back)).toHaveLength(1)
    await vi.waitFor(
      () => expect(listTokens(one.dataDir).map(({ user }) => user)).toEqual(['kim']),
      10_000,
    )
    expect(filesWith(CANARY, back.dataDir)).toEqual([])
    expect(readdirSync(back.dataDir).filter((name) => name.startsWith('base-'))).toEqual([])
  })

  it('is said again by a hub that was away where the others lack it, in a new epoch', async () => {
    const server = await startNats()
    const away = await startBackend(server)
    await away.append(eventEntry('first'))
    const disk = await keepDisk(server)
    const lost = [eventEntry('lost 1'), eventEntry('lost 2')]
    await vi.waitFor(() => expect(away.backend.state).toBe('ready'), 10_000)
    await away.append(...lost)
    await away.close()
    await disk.putBack()
    const one = await startBackend(server)
    const taken = [eventEntry('in their place'), eventEntry('and on')]
    await one.append(...taken)
    const { epoch } = content(one)
    await retain(server)
    const back = await startBackend(server, away.dataDir)
    await agree(one, back)
    expect(content(back).epoch).not.toBe(epoch)
    expect(bodies(back)).toEqual(lost.map(({ body }) => body))
    const again = await one.append(...lost, ...taken)
    expect(again.map(({ verdict }) => verdict)).toEqual(Array(4).fill('duplicate'))
  })

  it('stays gone where a server loses the base and what the log said since: hubs put both back', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    const old = eventEntry(CANARY)
    await one.append(old, commitEntry(HASH))
    const disk = await keepDisk(server)
    await vi.waitFor(() => expect(one.backend.state).toBe('ready'), 10_000)
    await one.append(eventEntry(CANARY), linesEntry(HASH))
    await retain(server)
    await one.append(eventEntry('later'))
    const [before, { restarts }] = [content(one), one]
    await disk.putBack()
    await one.append(eventEntry('last'))
    expect(content(one)).toMatchObject({ head: before.head + 1, epoch: before.epoch })
    const late = await startBackend(server)
    expect(content(late)).toEqual(content(one))
    expect((await late.append(old)).map(({ verdict }) => verdict)).toEqual(['duplicate'])
    expect(one.restarts).toBe(restarts)
  })

  it.each([
    ['put back', 'each in its place', null],
    [
      'say again',
      'where they keep only the last messages',
      'stream_seq < (SELECT max(stream_seq) FROM log)',
    ],
  ])(
    'is known though a server has lost all, and hubs %s what they have, %s',
    async (how, _, cut) => {
      const server = await startNats()
      const one = await startBackend(server)
      const old = [eventEntry(CANARY), commitEntry(HASH)]
      await one.append(...old)
      await retain(server)
      await one.append(eventEntry('later'), linesEntry(HASH))
      const { epoch } = content(one)
      await one.close()
      if (cut !== null) changed(one.dataDir, `DELETE FROM log WHERE ${cut}`)
      const empty = await startNats()
      const back = await startBackend(empty, one.dataDir)
      expect(content(back).epoch === epoch).toBe(how === 'put back')
      expect(content(back)).toMatchObject({ head: 3, lines: [{ mission: 'login' }] })
      expect(bodies(back)).toHaveLength(1)
      const late = await startBackend(empty)
      await agree(back, late)
      expect(filesWith(CANARY, empty.folder, back.dataDir, late.dataDir)).toEqual([])
      expect((await late.append(...old)).map(({ verdict }) => verdict)).toEqual([
        'duplicate',
        'duplicate',
      ])
    },
  )

  it('goes beside hubs that serve, with a base when there is none of today', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    await one.append(...Array.from({ length: 450 }, () => eventEntry(CANARY)))
    await agree(one, other)
    await later()
    const lines: object[] = []
    const nats = await open(server)
    const look = async (baseAgeMs: number): Promise<void> => {
      const ending = new AbortController()
      const keeper = new SharedKeeper({
        dataDir: other.dataDir,
        keepMs: 0,
        baseAgeMs,
        log: (_name, fields = {}) => {
          lines.push(fields)
          ending.abort()
        },
        record: async (change) => other.backend.shared?.record(change),
      })
      await keeper.attach(nats, ending.signal)
    }
    await look(60_000)
    await agree(one, other)
    expect(bodies(one)).toEqual([])
    const head = await headOf(nats)
    expect(filesWith(CANARY, server.folder)).toEqual([])
    await one.append(eventEntry('next'))
    await agree(one, other)
    await later()
    await look(60_000)
    expect(await headOf(nats)).toEqual(head)
    await look(0)
    expect((await headOf(nats))?.place.seq).toBeGreaterThan(head?.place.seq ?? 0)
    expect(lines).toEqual([450, 1, 0].map((events) => ({ events, commits: 0 })))
    // One base alone is there.
    const { state } = await nats.manager.streams.info(BASE_STREAM, { subjects_filter: '>' })
    const kept = await headOf(nats)
    expect(Object.keys(state.subjects ?? {}).toSorted()).toEqual(
      [
        'base.head',
        ...Array.from({ length: kept?.pieces ?? 0 }, (_, n) => `base.${kept?.base_id}.${n}`),
      ].toSorted(),
    )
    await agree(one, other, await startBackend(server))
  })
})

describeNats('a change that empties', () => {
  it('means the numbers of its epoch, and no others', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(eventEntry('kept'))
    const change = { kind: 'retention', team: 'acme', project_uuid: PROJECT, through: 1 } as const
    await one.backend.shared?.record({ ...change, epoch: 'another' })
    expect(bodies(one)).toHaveLength(1)
    await one.backend.shared?.record({ ...change, epoch: content(one).epoch })
    expect(bodies(one)).toEqual([])
  })

  it('is refused for a project that nobody has, and where no hub was', async () => {
    const server = await startNats()
    const request = { nats: { servers: server.url }, before: Infinity, isDryRun: false }
    await expect(retainShared({ ...request, project: null })).rejects.toMatchObject({
      code: 'HUB_STREAM_EMPTY',
    })
    await startBackend(server)
    const project = { team: 'acme', project: PROJECT }
    await expect(retainShared({ ...request, project })).rejects.toMatchObject({
      code: 'HUB_PROJECT_UNKNOWN',
    })
  })
})

describeNats('a base', () => {
  it('is missed by no hub that stood still while the log was cut in front of it', async () => {
    const server = await startNats()
    const [one, dataDir] = [await startBackend(server), temporaryFolder()]
    const { token } = issueToken({ dataDir, team: 'acme', user: 'sam' })
    await one.append(eventEntry('first'))
    const words = ['hub', 'serve', '--backend', 'nats', '--nats', server.url, '--data', dataDir]
    const program = new Program({ cwd: dataDir, env: process.env }, words)
    onTestFinished(async () => void (await program.end('SIGKILL')))
    const { url } = (await program.saw(({ url }) => url !== undefined)) as unknown as {
      url: string
    }
    const seen = async (): Promise<number> => {
      const { body } = await request({ url }, `/api/v1/feed?project_uuid=${PROJECT}`, token)
      return (body['feed'] as unknown[] | undefined)?.length ?? 0
    }
    await vi.waitFor(async () => expect(await seen()).toBe(1), 10_000)
    program.child.kill('SIGSTOP')
    // More than a server sends ahead.
    for (let n = 0; n < 600; n++) await one.append(eventEntry(`${n}`))
    await retain(server, 0)
    program.child.kill('SIGCONT')
    await one.append(eventEntry('last'))
    await vi.waitFor(async () => expect(await seen()).toBeGreaterThan(1), 20_000)
    await program.end('SIGTERM')
    await agree(one, await startBackend(server, dataDir))
    expect(content(one).head).toBe(602)
  })

  it('that a message went into is no reason to wait for that message', async () => {
    const server = await startNats()
    const [nats, dataDir] = [await open(server), temporaryFolder()]
    await (await startBackend(server)).close()
    const store = new HubStore(dataDir, 'shared')
    onTestFinished(() => store.close())
    let follow: 'past' | 'on' = 'past'
    const follower = new Follower({
      copy: store.copy,
      log: () => {},
      failed: () => {},
      // As one that took the base instead: it is there, and was told of nothing.
      applied: (messages, { outcomes }) => {
        if (follow === 'past') return publisher.release()
        for (const [index, { message_id }] of messages.entries()) {
          publisher.settle(message_id, outcomes[index] ?? [])
        }
      },
    })
    let asked = 0
    const publisher: Publisher = new Publisher(
      () => {
        if (++asked === 3) follow = 'on'
        return Promise.resolve({ nats, follower, ending })
      },
      () => {},
    )
    let ending = new AbortController()
    onTestFinished(() => follower.stop())
    await follower.start(nats)
    const entry = eventEntry('once')
    const body = encodeEntries({ entries: [entry], at: 1 })
    const made = publisher.publish(`evt.acme.${PROJECT}.event`, body, null)
    await vi.waitFor(() => expect(store.project('acme', PROJECT)?.head).toBe(1))
    ending.abort()
    ending = new AbortController()
    publisher.release()
    expect(await made).toMatchObject([{ verdict: 'duplicate' }])
    expect(store.project('acme', PROJECT)?.head).toBe(1)
  })

  it('holds nothing of a project that is deleted after it', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(eventEntry('old'))
    await retain(server)
    const kept = { ...eventEntry(CANARY), project_uuid: OTHER_PROJECT }
    await one.append(eventEntry('recent'), term(), kept)
    await retain(server, 0)
    const nats = await open(server)
    expect(await piecesOf(nats)).toContain(CANARY)
    const packed = await rawPieces(nats)
    await deleteShared({ servers: server.url }, 'acme', kept.project_uuid)
    await vi.waitFor(() => expect(filesWith(CANARY, one.dataDir)).toEqual([]), 10_000)
    expect(await piecesOf(nats)).not.toContain(CANARY)
    expect(filesWith(CANARY, server.folder)).toEqual([])
    // A base is packed: of the one before nothing is left either.
    const isOnDisk = (piece: Buffer): boolean =>
      filesOf(server.folder).some((path) => readFileSync(path).includes(piece))
    const renewed = new Set((await rawPieces(nats)).map((piece) => piece.toString('hex')))
    const gone = packed.filter((piece) => !renewed.has(piece.toString('hex')))
    expect(gone.length).toBeGreaterThan(0)
    expect(gone.filter(isOnDisk)).toEqual([])
    await agree(one, await startBackend(server))
    const alone = temporaryFolder()
    expect(await migrateFromNats({ dataDir: alone, nats: { servers: server.url } })).toMatchObject({
      projects: 1,
      events: 3,
    })
  })

  it('is not there before the copy that it is made of has passed each deletion', async () => {
    const server = await startNats()
    const [one, away] = [await startBackend(server), await startBackend(server)]
    await one.append({ ...eventEntry(CANARY), project_uuid: OTHER_PROJECT }, eventEntry('recent'))
    await agree(one, away)
    await away.close()
    await deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT)
    const nats = await open(server)
    const making = makeBase(nats, { dataDir: away.dataDir, scrub: false })
    await vi.waitFor(async () => expect(await headOf(nats)).not.toBeNull())
    expect(await piecesOf(nats)).toContain(CANARY)
    const back = await startBackend(server, away.dataDir)
    expect(await making).toBe(true)
    expect(await piecesOf(nats)).not.toContain(CANARY)
    await agree(one, back, await startBackend(server))
  })

  it('is one, though two hubs make it at once', async () => {
    const server = await startNats()
    const [one, other] = [await startBackend(server), await startBackend(server)]
    await one.append(...Array.from({ length: 600 }, (_, n) => eventEntry(`${n}`.repeat(300))))
    await agree(one, other)
    const nats = await open(server)
    const made = await Promise.all(
      [one, other, one].map(({ dataDir }) => makeBase(nats, { dataDir, scrub: false })),
    )
    expect(made.filter(Boolean)).toEqual([true])
    expect(await rawPieces(nats)).toHaveLength((await headOf(nats))?.pieces ?? 0)
    await agree(one, other, await startBackend(server))
  })

  it('that stands on a log which the server has lost is given up by a hub that no longer knows that log', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(eventEntry('a'), commitEntry(HASH))
    await retain(server, 0)
    await one.append(eventEntry('b'))
    const { epoch, head } = content(one)
    await one.close()
    changed(one.dataDir, 'DELETE FROM log WHERE stream_seq < (SELECT max(stream_seq) FROM log)')
    const nats = await open(server)
    await nats.manager.streams.delete(STREAM)
    const back = await startBackend(server, one.dataDir)
    expect(content(back)).toMatchObject({ head })
    expect(content(back).epoch).not.toBe(epoch)
    expect(await headOf(nats)).toBeNull()
    await agree(back, await startBackend(server))
  })

  it.each([
    ['the log alone', false],
    ['a base', true],
  ])('brings nothing back that was deleted while a hub was away: %s tells it', async (_, isCut) => {
    const server = await startNats()
    const away = await startBackend(server)
    const other = { ...eventEntry(CANARY), project_uuid: OTHER_PROJECT }
    await away.append(other, eventEntry('first'))
    const disk = await keepDisk(server)
    await vi.waitFor(() => expect(away.backend.state).toBe('ready'), 10_000)
    const lost = { ...eventEntry(CANARY), project_uuid: OTHER_PROJECT }
    await away.append(lost, eventEntry('lost'))
    await away.close()
    await disk.putBack()
    const one = await startBackend(server)
    await one.append(eventEntry('in its place'), eventEntry('and on'), eventEntry('and on'))
    await deleteShared({ servers: server.url }, 'acme', OTHER_PROJECT)
    if (isCut) await retain(server, 0)
    const back = await startBackend(server, away.dataDir)
    await agree(one, back)
    expect(bodies(back).join()).toContain('"lost"')
    for (const { store } of [one, back]) {
      const project = store.project('acme', OTHER_PROJECT)
      expect(store.feed(project?.project_id ?? -1, 0, { rowsMax: 9, bytesMax: 9_999 })).toEqual([])
    }
    await vi.waitFor(
      () => expect(filesWith(CANARY, server.folder, one.dataDir, back.dataDir)).toEqual([]),
      10_000,
    )
  })

  it('is taken whole or not at all', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(...Array.from({ length: 900 }, (_, n) => eventEntry(`${n}`.repeat(400))))
    await retain(server, 0)
    const nats = await open(server)
    const { pieces, base_id } = (await headOf(nats)) ?? { pieces: 0, base_id: '' }
    expect(pieces).toBeGreaterThan(2)
    const piece = await nats.manager.streams.getMessage(BASE_STREAM, {
      last_by_subj: `base.${base_id}.1`,
    })
    await nats.manager.streams.deleteMessage(BASE_STREAM, piece?.seq ?? 0)
    const late = await startBackend(server)
    expect(late.backend.state).toBe('behind')
    expect(late.store.project('acme', PROJECT)).toBe(null)
    expect(readdirSync(late.dataDir).filter((name) => name.startsWith('base-'))).toEqual([])
    await one.append(eventEntry('more'))
    const renewed = await makeBase(nats, { dataDir: one.dataDir, scrub: false })
    expect(renewed).toBe(true)
    await vi.waitFor(() => expect(late.backend.state).toBe('ready'), 10_000)
    await agree(one, late)
  })
})
