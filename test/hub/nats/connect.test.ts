/** How a hub gets to its server, and what it makes of what it finds there. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openNats, STREAM } from '#dist/hub/nats/connect.js'
import type { Nats, NatsOptions } from '#dist/hub/nats/connect.js'
import { Follower } from '#dist/hub/nats/follower.js'
import { HubStore } from '#dist/hub/data/store.js'
import { NatsCluster } from '../../../scripts/nats-cluster.mjs'
import { findNatsServer } from '../../../scripts/nats-server.mjs'
import { selfSigned } from '../../support/self-signed.ts'
import { temporaryFolder } from '../support.ts'
import { contentOf, describeNats, eventEntry, startBackend, startNats } from './support.ts'

const PATIENCE_MS = 20_000

function fileOf(text: string): string {
  const path = join(temporaryFolder(), 'file')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** An object of the client's, but for some of it. */
function having<Whole extends object>(whole: Whole, other: object): Whole {
  const get = (_: Whole, name: string | symbol): unknown => {
    const value: unknown = Reflect.get(name in other ? other : whole, name)
    return typeof value === 'function' && !(name in other) ? value.bind(whole) : value
  }
  return new Proxy(whole, { get })
}

/** The code of what goes wrong; null where nothing does. */
async function tried(options: NatsOptions): Promise<string | null> {
  try {
    await (await openNats(options)).connection.close()
    return null
  } catch (error) {
    return (error as { code: string }).code
  }
}

describeNats('a connection', () => {
  it('is made with what a file says: a user and a password, or a token', async () => {
    const server = await startNats(['--user', 'hub', '--pass', 'se:cret'])
    const servers = server.url
    const right = fileOf('hub:se:cret\n')
    expect(await tried({ servers, credentialsFile: right })).toBeNull()
    expect(await tried({ servers, credentialsFile: fileOf('hub:other') })).toBe('NATS_REFUSED')
    const missing = join(temporaryFolder(), 'none')
    expect(await tried({ servers, credentialsFile: missing })).toBe('NATS_FILE_UNREADABLE')
    const other = await startNats(['--auth', 'a-token'])
    expect(await tried({ servers: other.url, credentialsFile: fileOf('a-token') })).toBeNull()
    expect(await tried({ servers: other.url })).toBe('NATS_REFUSED')
  })

  it('is made by TLS, to a server that somebody known signed', async () => {
    const { key, cert } = selfSigned()
    const [keyFile, caFile] = [fileOf(key), fileOf(cert)]
    const args = ['--tls', '--tlscert', caFile, '--tlskey', keyFile]
    const server = await startNats(args)
    const servers = server.url.replace('nats://', 'tls://')
    expect(await tried({ servers, caFile })).toBeNull()
    expect(await tried({ servers, caFile: fileOf(selfSigned().cert) })).toBe('NATS_UNREACHABLE')
  })

  it('has the stream kept by as many servers as any hub asked for, and says where they are too few', async () => {
    const place = { program: findNatsServer() ?? '', folder: temporaryFolder() }
    const cluster = await NatsCluster.start(place)
    onTestFinished(() => cluster.end())
    const keptBy = (replicas: number) =>
      // While servers agree on it they may answer late.
      vi.waitFor(async () => {
        const { connection, manager } = await openNats({ servers: cluster.url, replicas })
        const found = [STREAM, 'KV_kittiwake'].map((name) => manager.streams.info(name))
        try {
          return (await Promise.all(found)).map(({ config }) => config.num_replicas)
        } finally {
          await connection.close()
        }
      }, PATIENCE_MS)
    expect(await keptBy(1)).toEqual([1, 1])
    expect(await keptBy(3)).toEqual([3, 3])
    expect(await keptBy(1)).toEqual([3, 3])
    expect(await tried({ servers: cluster.url, replicas: 5 })).toBe('NATS_REPLICAS')
    const alone = await startNats()
    const { url: servers } = alone
    expect(await tried({ servers, replicas: 3 })).toBe('NATS_REPLICAS')
    expect(await tried({ servers })).toBeNull()
    expect(await tried({ servers, replicas: 3 })).toBe('NATS_REPLICAS')
  })

  it('is of no use to a login without JetStream', async () => {
    const account = 'accounts { A { users [ { user: hub, password: x } ] } }'
    const server = await startNats(['-c', fileOf(account)])
    const login = { servers: server.url, credentialsFile: fileOf('hub:x') }
    expect(await tried(login)).toBe('NATS_NO_JETSTREAM')
  })
})

describeNats('a message of the stream', () => {
  it('that nobody can read is passed over by every hub, and one of a newer version by none', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    const { jetstream, connection } = await openNats({ servers: server.url })
    const publish = (body: string) =>
      jetstream.publish('evt.acme.p.event', body, { msgID: randomUUID() })
    await publish('nonsense')
    await publish('{"v":1,"at":1,"entries":[{"kind":"event"}]}')
    await publish('\0not deflated')
    expect(await one.append(eventEntry())).toEqual([{ verdict: 'accepted', seq: 1 }])
    const other = await startBackend(server)
    expect(contentOf(other)).toEqual(contentOf(one))
    const { seq } = await publish('{"v":2,"something":"new"}')
    await connection.close()
    await expect(startBackend(server)).rejects.toMatchObject({ code: 'HUB_STREAM_NEWER' })
    expect(one.store.copy.log.position.seq).toBe(seq - 1)
  })

  it('that comes again is passed over, and another in its place is an end', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(eventEntry())
    await one.close()
    const store = new HubStore(one.dataDir, 'shared')
    onTestFinished(() => store.close())
    const { seq } = store.copy.log.position
    const following = await followFromStart(server.url, store)
    const ack = await following.nats.jetstream.publish('evt.acme.p.event', 'x', { msgID: 'next' })
    await following.follower.reach(ack.seq)
    expect(following.applied).toEqual([seq + 1])
    following.follower.stop()
    const other = await startNats()
    const { jetstream, connection } = await openNats({ servers: other.url })
    await jetstream.publish('evt.acme.p.event', 'x', { msgID: 'other' })
    await connection.close()
    const ended = await (await followFromStart(other.url, store)).failed
    expect(ended).toMatchObject({ message: 'the log has another message in its place' })
  })

  it('that does not come though the stream has it is an end, after two looks', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    await one.append(eventEntry())
    const store = new HubStore(temporaryFolder(), 'shared')
    const nats = await openNats({ servers: server.url })
    onTestFinished(async () => {
      store.close()
      await nats.connection.close()
    })
    // A real consumer, of subjects that nobody writes.
    const consumers = having(nats.jetstream.consumers, {
      get: (stream: string, options: object) =>
        nats.jetstream.consumers.get(stream, { ...options, filter_subjects: 'adm.never' }),
    })
    const deaf = { ...nats, jetstream: having(nats.jetstream, { consumers }) }
    const ended = new Promise((resolve) => {
      const follower = new Follower({
        copy: store.copy,
        log: () => {},
        applied: () => {},
        failed: resolve,
        silenceLookMs: 50,
      })
      void follower.start(deaf)
    })
    expect(await ended).toMatchObject({ code: 'NATS_SILENT' })
  })

  it('that was deleted on purpose is waited for by nobody', async () => {
    const server = await startNats()
    const one = await startBackend(server)
    const nats = await openNats({ servers: server.url })
    const { seq } = await nats.jetstream.publish('adm.change', 'x', { msgID: 'gone' })
    await vi.waitFor(() => expect(one.store.copy.log.position.seq).toBe(seq))
    await nats.manager.streams.deleteMessage(STREAM, seq)
    const store = new HubStore(temporaryFolder(), 'shared')
    const failures: unknown[] = []
    let looks = 0
    const { manager } = nats
    const info = (stream: string) => {
      looks += 1
      return manager.streams.info(stream)
    }
    const streams = having(manager.streams, { info })
    const counting = { ...nats, manager: having(manager, { streams }) }
    const follower = new Follower({
      copy: store.copy,
      log: () => {},
      applied: () => {},
      failed: (error) => failures.push(error),
      silenceLookMs: 20,
    })
    onTestFinished(async () => {
      follower.stop()
      store.close()
      await nats.connection.close()
    })
    await follower.start(counting)
    await vi.waitFor(() => expect(looks).toBeGreaterThan(5))
    expect(failures).toEqual([])
  })

  it('is kept in a stream that refuses what is new rather than lose what is old', async () => {
    const server = await startNats()
    await startBackend(server)
    const { manager, connection } = await openNats({ servers: server.url })
    const { config } = await manager.streams.info(STREAM)
    await connection.close()
    expect(config).toMatchObject({
      discard: 'new',
      retention: 'limits',
      storage: 'file',
      max_age: 0,
    })
    expect(config.subjects).toEqual(['evt.>', 'mis.>', 'adm.>'])
  })
})

/** A copy that follows from its place by a consumer that begins with the first message nevertheless. */
async function followFromStart(servers: string, store: HubStore) {
  const nats = await openNats({ servers })
  onTestFinished(() => nats.connection.close())
  const { consumers } = nats.jetstream
  const early: Pick<typeof consumers, 'get'> = {
    get: (stream, options) => consumers.get(stream, { ...(options as object), opt_start_seq: 1 }),
  }
  const applied: number[] = []
  let fail: (error: unknown) => void = () => {}
  const failed = new Promise<unknown>((resolve) => (fail = resolve))
  const follower = new Follower({
    copy: store.copy,
    log: () => {},
    applied: (messages) => applied.push(...messages.map(({ stream_seq }) => stream_seq)),
    failed: (error) => fail(error),
  })
  onTestFinished(() => follower.stop())
  await follower.start({ ...nats, jetstream: { consumers: early } } as unknown as Nats)
  return { nats, follower, applied, failed }
}
