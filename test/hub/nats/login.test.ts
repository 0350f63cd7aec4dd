/** What lets a hub in at its server, and what it says where it is not let in. */
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import { expect, it, vi } from 'vitest'
import { listShared } from '#dist/hub/nats/dead-stream.js'
import { retainShared } from '#dist/hub/nats/retain-shared.js'
import { openNats } from '#dist/hub/nats/connect.js'
import { runCli } from '../../support/cli-in-process.ts'
import { frameOf, newEvent, openLink, request, startHub, temporaryFolder } from '../support.ts'
import { describeNats, startNats } from './support.ts'

type Pair = ReturnType<typeof nkeys.createUser>

const PATIENCE_MS = 10_000
const NO_LIMITS = { subs: -1, data: -1, payload: -1 }
const ACCOUNT_LIMITS = { ...NO_LIMITS, imports: -1, exports: -1, conn: -1, leaf: -1 }
const STORAGE_LIMITS = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }

/** `issuer` says so of `subject`, as NATS wants it: signed, with claims in `nats`. */
function jwtOf(issuer: Pair, subject: Pair, nats: object, more: object = {}): string {
  const about = { jti: 'id', iat: 1, iss: issuer.getPublicKey(), sub: subject.getPublicKey() }
  const claims = { ...about, name: 'name', nats: { version: 2, ...nats }, ...more }
  const parts = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims]
  const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  const signature = Buffer.from(issuer.sign(Buffer.from(text.join('.'))))
  return [...text, signature.toString('base64url')].join('.')
}

function seedOf(pair: Pair): string {
  return Buffer.from(pair.getSeed()).toString()
}

function credentialsOf(jwt: string, pair: Pair): string {
  return [
    `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------`,
    `-----BEGIN USER NKEY SEED-----\n${seedOf(pair)}\n------END USER NKEY SEED------`,
  ].join('\n\n')
}

/** The settings of a server that lets in whom an account of its operator signed. */
function trustOf(account: Pair): string {
  const [operator, system] = [nkeys.createOperator(), nkeys.createAccount()]
  const limits = { type: 'account', limits: ACCOUNT_LIMITS }
  const stored = { type: 'account', limits: { ...ACCOUNT_LIMITS, ...STORAGE_LIMITS } }
  return [
    `operator: ${jwtOf(operator, operator, { type: 'operator' })}`,
    `system_account: ${system.getPublicKey()}`,
    'resolver: MEMORY',
    'resolver_preload {',
    `${system.getPublicKey()}: ${jwtOf(operator, system, limits)}`,
    `${account.getPublicKey()}: ${jwtOf(operator, account, stored)}`,
    '}',
  ].join('\n')
}

const read = (path: string): string =>
  readFileSync(join(import.meta.dirname, '../../..', path), 'utf8')

function fileOf(text: string): string {
  const path = join(temporaryFolder(), 'file')
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

async function startWith(settings: string): Promise<string> {
  return (await startNats(['-c', fileOf(settings)])).url
}

/** The code of what goes wrong with a file of this text, and whether to try again; null where nothing does. */
async function tried(servers: string, login: string): Promise<string | null> {
  try {
    await (await openNats({ servers, credentialsFile: fileOf(login) })).connection.close()
    return null
  } catch (error) {
    const { code, retryable } = error as { code: string; retryable: () => boolean }
    return retryable.call(error) ? `${code}, for now` : code
  }
}

describeNats('a login', () => {
  it('is what an account signed, with the key that it was signed for, in its time', async () => {
    const [account, user, stranger] = [
      nkeys.createAccount(),
      nkeys.createUser(),
      nkeys.createUser(),
    ]
    const servers = await startWith(trustOf(account))
    const about = { type: 'user', ...NO_LIMITS }
    const jwt = jwtOf(account, user, about)
    expect(await tried(servers, credentialsOf(jwt, user))).toBeNull()
    expect(await tried(servers, `${credentialsOf(jwt, user)}\n\n*** Keep it. ***\n`)).toBeNull()
    expect(await tried(servers, credentialsOf(jwt, stranger))).toBe('NATS_REFUSED')
    const late = jwtOf(account, user, about, { exp: 2 })
    expect(await tried(servers, credentialsOf(late, user))).toBe('NATS_REFUSED')
    const other = jwtOf(nkeys.createAccount(), user, about)
    expect(await tried(servers, credentialsOf(other, user))).toBe('NATS_REFUSED')
  })

  it('is the seed of an nkey that the server knows', async () => {
    const user = nkeys.createUser()
    const users = `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`
    const servers = await startWith(users)
    expect(await tried(servers, `${seedOf(user)}\n`)).toBeNull()
    expect(await tried(servers, seedOf(nkeys.createUser()))).toBe('NATS_REFUSED')
  })

  it('that may not do what hubs do is refused, and not tried again', async () => {
    const denied = 'permissions: { publish: { deny: ["$JS.API.>"] } }'
    const users = `authorization { users: [ { user: hub, password: x, ${denied} } ] }`
    expect(await tried(await startWith(users), 'hub:x')).toBe('NATS_REFUSED')
  })

  it('needs no more than what the manual names', async () => {
    const [, told = ''] = /Hubs need ([^]*?) of an account/.exec(read('docs/hub.md')) ?? []
    const subjects = [...told.matchAll(/`([^`]+)`/g)].map(([, subject]) => `"${subject}"`)
    expect(subjects).toHaveLength(9)
    const allow = `{ publish: [${subjects.join()}], subscribe: [${subjects.join()}] }`
    const users = `authorization { users: [ { user: hub, password: x, permissions: ${allow} } ] }`
    const nats = { servers: await startWith(users), credentialsFile: fileOf('hub:x') }
    const failures: string[] = []
    const log = (line: string) => {
      if (line.includes('failed')) failures.push(line)
    }
    const [one, other] = [
      await startHub({ nats, log }),
      await startHub({ nats, log, dataDir: temporaryFolder() }),
    ]
    const { project_uuid } = newEvent()
    const worker = await openLink(one.hub, one.token)
    worker.send(frameOf(newEvent({ project_uuid })))
    worker.send(frameOf({ ...newEvent({ project_uuid }), payload: null }))
    const answers = await worker.take(2)
    expect(answers).toMatchObject([{ type: 'ack', status: 'accepted' }, { type: 'error' }])
    await vi.waitFor(async () => expect(await listShared(nats)).toHaveLength(1), PATIENCE_MS)
    await vi.waitFor(async () => {
      const path = `/api/v1/feed?project_uuid=${project_uuid}`
      expect((await request(other.hub, path, one.token)).status).toBe(200)
    }, PATIENCE_MS)
    const watcher = await openLink(other.hub, one.token)
    watcher.send(JSON.stringify({ type: 'subscribe', project_uuid }))
    await watcher.take(2)
    const focus = { mission: 'login', wp: 'WP01' }
    worker.send(JSON.stringify({ type: 'presence', project_uuid, focus }))
    expect(await watcher.take(1)).toMatchObject([{ type: 'presence', present: [{ focus }] }])
    expect(failures).toEqual([])
    const retained = await retainShared({ nats, before: Infinity, project: null, isDryRun: false })
    expect(retained).toMatchObject({ events: 1 })
  })

  it('that no file holds is looked for at no server', async () => {
    const user = nkeys.createUser()
    const whole = credentialsOf('a.b.c', user)
    const broken = [
      '',
      '\n\n',
      'two\nlines',
      // Not the last one, whose bits don't all count.
      seedOf(user).replace(/(?<=^.{20})./, (one) => (one === 'A' ? 'B' : 'A')),
      whole.replace(seedOf(user), 'SUA'),
      whole.replace('a.b.c', 'abc'),
      '-----BEGIN NATS USER JWT-----',
    ]
    for (const text of broken) {
      expect([text, await tried('nats://127.0.0.1:1', text)]).toEqual([text, 'NATS_FILE_INVALID'])
    }
  })

  it('that others may read is none, as their key is, and may be named by a link', async () => {
    const { url } = await startNats(['--user', 'hub', '--pass', 'x'])
    const path = fileOf('hub:x')
    const link = join(temporaryFolder(), 'link')
    symlinkSync(path, link)
    const tryWith = (credentialsFile: string, keyFile?: string) =>
      openNats({
        servers: url,
        credentialsFile,
        ...(keyFile === undefined ? {} : { keyFile }),
      }).then(
        async ({ connection }) => connection.close(),
        (error: unknown) => (error as { code: string }).code,
      )
    expect(await tryWith(link)).toBeUndefined()
    for (const mode of [0o644, 0o640, 0o604]) {
      chmodSync(path, mode)
      expect([mode, await tryWith(link)]).toEqual([mode, 'NATS_FILE_TOO_OPEN'])
    }
    const words = ['hub', 'dead-letters', '--nats', url, '--nats-credentials', path]
    const cli = await runCli(temporaryFolder(), [...words, '--json'])
    expect(cli).toMatchObject({ code: 1 })
    expect(JSON.parse(cli.out)).toMatchObject({
      error: { code: 'NATS_FILE_TOO_OPEN', hint: expect.stringContaining('chmod 600') as string },
    })
    expect(await tryWith(fileOf('hub:x'), path)).toBe('NATS_FILE_TOO_OPEN')
    expect(await tryWith(temporaryFolder())).toBe('NATS_FILE_UNREADABLE')
    expect(await tryWith(fileOf('hub:x'), join(temporaryFolder(), 'none'))).toBe(
      'NATS_FILE_UNREADABLE',
    )
  })

  it('is told by nobody who is refused, and never stands in an argument', async () => {
    const { url } = await startNats(['--user', 'hub', '--pass', 'right'])
    const data = temporaryFolder()
    const words = ['hub', 'serve', '--backend', 'nats', '--data', data, '--json']
    const login = ['--nats-credentials', fileOf('hub:open-sesame')]
    const refused = await runCli(data, [...words, '--nats', url, ...login])
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.out + refused.err).toContain('NATS_REFUSED')
    const address = url.replace('//', '//hub:open-sesame@')
    const named = await runCli(data, [...words, '--nats', address])
    expect(named).toMatchObject({ code: 2 })
    expect(named.out + named.err).toContain('NATS_URL')
    for (const { out, err } of [refused, named]) expect(out + err).not.toContain('open-sesame')
  })
})
