import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { checkLogin } from '#dist/doctor/check-login.js'
import { parseHubUrl } from '#dist/project/login/hub-url.js'
import { openLogin, readLogin, removeLogin, writeLogin } from '#dist/project/login/login.js'
import { findToken, isUsable } from '#dist/project/login/token-store.js'
import { verifyLogin } from '#dist/project/login/verify-login.js'
import { fc, property } from '../support/property.ts'

const TOKEN = 'kw_secret_token_0123456789'
const LOGIN = { hub: 'https://hub.example', token: TOKEN, team_slug: 'harbour' }
const posix = process.platform === 'win32' ? it.skipIf(true) : it

const LOCK = 'login.lock.db'
const RACER = fileURLToPath(new URL('../support/login-racer.mjs', import.meta.url))

let root: string
let state: string

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'kittiwake-login-'))
  state = join(root, 'deep', 'state')
})

afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

function codeOf(act: () => unknown): string | null {
  try {
    act()
    return null
  } catch (error) {
    expect(String(error)).not.toContain(TOKEN)
    return (error as { code: string }).code
  }
}

function idOf(folder: string): string {
  const reading = readLogin(folder)
  return reading.state === 'present' ? reading.login.id : ''
}

class Racer {
  readonly #child
  readonly #lines

  constructor(folder: string, replaces: string, team: string) {
    this.#child = spawn(process.execPath, [RACER, folder, replaces, team])
    onTestFinished(() => void this.#child.kill('SIGKILL'))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    return (await this.#lines.next()).value as string
  }

  go(): void {
    this.#child.stdin.write('go\n')
  }
}

describe('the login', () => {
  it('is read back as it was written, and is replaced as a whole', () => {
    expect(readLogin(state)).toEqual({ state: 'absent' })
    writeLogin(state, LOGIN)
    const { token: _, ...shown } = LOGIN
    const stored = { ...shown, token_store: 'file', id: expect.stringMatching(/^[0-9a-f]{16}$/) }
    expect(readLogin(state)).toEqual({ state: 'present', login: stored })
    expect(openLogin(state)).toEqual({ state: 'present', login: { ...stored, token: TOKEN } })
    const before = idOf(state)
    writeLogin(state, { ...LOGIN, team_slug: 'pier' })
    expect(readLogin(state)).toMatchObject({ login: { team_slug: 'pier' } })
    expect(idOf(state)).not.toBe(before)
    expect(fs.readdirSync(state)).toEqual(['login.json', LOCK])
  })

  it('of an older version is read', () => {
    fs.mkdirSync(state, { recursive: true, mode: 0o700 })
    fs.writeFileSync(join(state, 'login.json'), JSON.stringify(LOGIN), { mode: 0o600 })
    const login = { ...LOGIN, id: '', token_store: 'file' }
    expect(openLogin(state)).toEqual({ state: 'present', login })
  })

  it('is never replaced by a process that did not know it', () => {
    writeLogin(state, LOGIN, { replaces: null })
    const known = idOf(state)
    const other = { ...LOGIN, team_slug: 'quay' }
    expect(codeOf(() => writeLogin(state, other, { replaces: null }))).toBe('LOGIN_CHANGED')
    // The same again changes nothing, and is no fault of anybody's.
    writeLogin(state, LOGIN, { replaces: null })
    expect(idOf(state)).toBe(known)
    writeLogin(state, { ...LOGIN, team_slug: 'pier' }, { replaces: known })
    expect(codeOf(() => writeLogin(state, LOGIN, { replaces: known }))).toBe('LOGIN_CHANGED')
    expect(readLogin(state)).toMatchObject({ login: { team_slug: 'pier' } })
    const left = idOf(state)
    removeLogin(state)
    expect(codeOf(() => writeLogin(state, LOGIN, { replaces: left }))).toBe('LOGIN_CHANGED')
    expect(readLogin(state)).toEqual({ state: 'absent' })
  })

  it('is replaced by one of many processes that do so at once', async () => {
    writeLogin(state, LOGIN)
    const id = idOf(state)
    const racers = ['a', 'b', 'c', 'd'].map((team) => new Racer(state, id, team))
    for (const racer of racers) expect(await racer.line()).toBe('ready')
    for (const racer of racers) racer.go()
    const said = await Promise.all(racers.map((racer) => racer.line()))
    expect(said.filter((line) => line === 'stored')).toHaveLength(1)
    expect(said.filter((line) => line === 'LOGIN_CHANGED')).toHaveLength(3)
    const winner = 'abcd'[said.indexOf('stored')]
    expect(openLogin(state)).toMatchObject({
      login: { team_slug: winner, token: `token_of_${winner}` },
    })
  })

  // Containers may lack the kernel's keyring; the one of a desktop differs from it by a name only.
  it.skipIf(!isUsable('kernel'))('keeps its token in a keyring, and in no file', () => {
    writeLogin(state, LOGIN, { tokenStore: 'kernel' })
    onTestFinished(() => void removeLogin(state))
    expect(openLogin(state)).toMatchObject({ login: { token_store: 'kernel', token: TOKEN } })
    const written = fs.readFileSync(join(state, 'login.json'), 'utf8')
    expect(written).not.toContain(TOKEN)
    const first = (JSON.parse(written) as { token_name: string }).token_name
    writeLogin(state, { ...LOGIN, token: `${TOKEN}-2` }, { tokenStore: 'kernel' })
    expect(findToken('kernel', first)).toBeNull()
    expect(openLogin(state)).toMatchObject({ login: { token: `${TOKEN}-2` } })
    const text = fs.readFileSync(join(state, 'login.json'), 'utf8')
    removeLogin(state)
    fs.writeFileSync(join(state, 'login.json'), text, { mode: 0o600 })
    expect(readLogin(state)).toMatchObject({ state: 'present' })
    expect(openLogin(state)).toMatchObject({ state: 'unusable', error: { code: 'TOKEN_GONE' } })
  })

  posix('is a file of its owner alone in a directory of its owner alone (S18)', () => {
    const umask = process.umask(0)
    try {
      writeLogin(state, LOGIN)
    } finally {
      process.umask(umask)
    }
    expect(fs.statSync(join(state, 'login.json')).mode & 0o777).toBe(0o600)
    expect(fs.statSync(state).mode & 0o777).toBe(0o700)
  })

  posix.each([0o640, 0o604, 0o666, 0o620])('is not used with mode %o (S19)', (mode) => {
    writeLogin(state, LOGIN)
    fs.chmodSync(join(state, 'login.json'), mode)
    const reading = readLogin(state)
    expect(reading).toMatchObject({ state: 'unusable', error: { code: 'LOGIN_TOO_OPEN' } })
    expect(reading.state === 'unusable' && reading.error.hint).toContain('chmod 600')
    expect(JSON.stringify(reading)).not.toContain(TOKEN)
  })

  posix('is not written where others could put another in its place', () => {
    fs.mkdirSync(state, { recursive: true })
    fs.chmodSync(state, 0o777)
    expect(codeOf(() => writeLogin(state, LOGIN))).toBe('LOGIN_DIRECTORY_TOO_OPEN')
    expect(fs.readdirSync(state)).toEqual([])
  })

  posix('is not read through a link', () => {
    writeLogin(state, LOGIN)
    fs.renameSync(join(state, 'login.json'), join(root, 'elsewhere.json'))
    fs.symlinkSync(join(root, 'elsewhere.json'), join(state, 'login.json'))
    expect(readLogin(state)).toMatchObject({ state: 'unusable' })
  })

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['an array', '[]'],
    ['no token', JSON.stringify({ ...LOGIN, token: undefined })],
    ['a token with a line end', JSON.stringify({ ...LOGIN, token: 'abcdefgh\nX: 1' })],
    ['a short token', JSON.stringify({ ...LOGIN, token: 'abc' })],
    ['no hub', JSON.stringify({ ...LOGIN, hub: 7 })],
    ['a hub in the clear', JSON.stringify({ ...LOGIN, hub: 'http://hub.example' })],
    ['a team with a path', JSON.stringify({ ...LOGIN, team_slug: '../x' })],
    ['an unknown place for its token', JSON.stringify({ ...LOGIN, token_store: 'cloud' })],
    ['a keyring but no name', JSON.stringify({ ...LOGIN, token_store: 'keyring' })],
    ['a giant', JSON.stringify({ ...LOGIN, more: 'x'.repeat(100_000) })],
  ])('of %s is unusable, never a throw, and stays as it is (L14)', (_name, text) => {
    fs.mkdirSync(state, { recursive: true, mode: 0o700 })
    fs.writeFileSync(join(state, 'login.json'), text, { mode: 0o600 })
    const reading = readLogin(state)
    expect(reading).toMatchObject({ state: 'unusable' })
    expect(JSON.stringify(reading)).not.toContain(TOKEN)
    expect(fs.readFileSync(join(state, 'login.json'), 'utf8')).toBe(text)
  })

  it('that could not be used is not written', () => {
    expect(codeOf(() => writeLogin(state, { ...LOGIN, token: 'a b c d e f' }))).toBe(
      'LOGIN_INVALID',
    )
    expect(codeOf(() => writeLogin(state, { ...LOGIN, hub: 'http://h.example' }))).toBe('HUB_URL')
    expect(fs.existsSync(state)).toBe(false)
  })

  it('leaves the old one in place where it cannot be replaced', () => {
    fs.mkdirSync(join(root, 'deep'))
    fs.writeFileSync(state, 'a file, not a directory')
    expect(codeOf(() => writeLogin(state, LOGIN))).toBe('STATE_UNREACHABLE')
    expect(readLogin(state)).toMatchObject({ state: 'unusable' })
    expect(fs.readFileSync(state, 'utf8')).toBe('a file, not a directory')
  })

  it('is removed with what a writer that died left of one', () => {
    expect(removeLogin(state)).toBe(false)
    writeLogin(state, LOGIN)
    const left = join(state, '.login.json.kittiwake-0123456789abcdef.tmp')
    fs.writeFileSync(left, TOKEN, { mode: 0o600 })
    const ahead = new Date(Date.now() + 5000)
    fs.utimesSync(left, ahead, ahead)
    expect(removeLogin(state)).toBe(true)
    expect(fs.readdirSync(state)).toEqual([LOCK])
    expect(removeLogin(state)).toBe(false)
  })

  it('clears old leftovers when it is written, not those of a writer at work', () => {
    writeLogin(state, LOGIN)
    const old = join(state, '.login.json.kittiwake-0123456789abcdef.tmp')
    const young = join(state, '.login.json.kittiwake-fedcba9876543210.tmp')
    for (const path of [old, young]) fs.writeFileSync(path, TOKEN)
    fs.utimesSync(old, 1, 1)
    writeLogin(state, { ...LOGIN, team_slug: 'pier' })
    expect(fs.readdirSync(state).sort()).toEqual([
      '.login.json.kittiwake-fedcba9876543210.tmp',
      'login.json',
      LOCK,
    ])
  })
})

describe('a hub URL', () => {
  it.each([
    ['https://hub.example', 'https://hub.example'],
    ['https://hub.example:8443/', 'https://hub.example:8443'],
    ['https://Hub.Example/kittiwake//', 'https://hub.example/kittiwake'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://localhost:8080/', 'http://localhost:8080'],
    ['http://[::1]:8080', 'http://[::1]:8080'],
    [' https://hub.example\n', 'https://hub.example'],
  ])('%j is %j', (text, url) => expect(parseHubUrl(text)).toBe(url))

  it.each([
    '',
    'hub.example',
    'http://hub.example',
    'http://127.0.0.1.example',
    'http://localhost.example',
    'http://0.0.0.0:1',
    'http://127.0.0.2',
    'http://[::2]',
    'https://user@hub.example',
    `https://:${TOKEN}@hub.example`,
    'https://hub.example/?token=1',
    'https://hub.example?',
    'https://hub.example/#x',
    'ws://127.0.0.1',
    'file:///etc/passwd',
    'javascript:1',
    `https://hub.example/${'x'.repeat(3000)}`,
  ])('%j is refused', (text) => expect(codeOf(() => parseHubUrl(text))).toBe('HUB_URL'))

  property([fc.oneof(fc.string(), fc.webUrl({ withQueryParameters: true }))])(
    'is stable once parsed, or refused by code, whatever the text',
    (text) => {
      let url: string | null = null
      const code = codeOf(() => {
        url = parseHubUrl(text)
      })
      if (url === null) expect(code).toBe('HUB_URL')
      else expect(parseHubUrl(url)).toBe(url)
    },
  )
})

describe('verifying a token', () => {
  let server: Server
  let answer: { status: number; body: string; headers?: Record<string, string> }
  let heard: { method: string | undefined; url: string | undefined; authorization: unknown }[]
  let hub: string

  beforeEach(async () => {
    heard = []
    server = createServer((request, response) => {
      const { method, url } = request
      heard.push({ method, url, authorization: request.headers.authorization })
      response.writeHead(answer.status, answer.headers)
      response.end(answer.body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    hub = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  it('asks the hub who it is', async () => {
    answer = { status: 200, body: JSON.stringify({ team_slug: 'harbour', user: 'Ada' }) }
    const found = { team_slug: 'harbour', user: 'Ada', expires_at: null }
    expect(await verifyLogin({ hub, token: TOKEN })).toEqual(found)
    expect(heard).toEqual([{ method: 'GET', url: '/api/v1/me', authorization: `Bearer ${TOKEN}` }])
  })

  it.each([
    [401, '{}', 'NOT_AUTHENTICATED', false],
    [403, '{}', 'NOT_AUTHENTICATED', false],
    [302, '', 'HUB_PROTOCOL', false],
    [404, '', 'HUB_PROTOCOL', false],
    [408, '', 'HUB_UNREACHABLE', true],
    [429, '', 'HUB_UNREACHABLE', true],
    [500, '', 'HUB_UNREACHABLE', true],
    [200, '<html>', 'HUB_PROTOCOL', false],
    [200, '{"team_slug":"harbour"}', 'HUB_PROTOCOL', false],
    [200, '{"team_slug":"a/b","user":"Ada"}', 'HUB_PROTOCOL', false],
    [200, '{"team_slug":"harbour","user":"a\\u001b[2J"}', 'HUB_PROTOCOL', false],
    [200, `{"a":"${'x'.repeat(70_000)}","team_slug":"h","user":"u"}`, 'HUB_PROTOCOL', false],
  ])('refuses %i with %.40s as %s', async (status, body, code, retryable) => {
    answer = { status, body, headers: { location: `${hub}/elsewhere` } }
    const error: unknown = await verifyLogin({ hub, token: TOKEN }).catch((error: unknown) => error)
    expect(error).toMatchObject({ name: 'LinkError', code })
    expect((error as { retryable: () => boolean }).retryable()).toBe(retryable)
    expect(String(error)).not.toContain(TOKEN)
    expect(heard).toHaveLength(1)
  })

  it('is what the doctor does, who says what is to be mended', async () => {
    const look = async (me: object): Promise<unknown> => {
      answer = { status: 200, body: JSON.stringify({ user: 'Ada', ...me }) }
      const checks = await checkLogin(state)
      return checks
        .filter(({ name }) => name !== 'keyring')
        .map((check) => [check.name, check.state])
    }
    expect(await look({})).toEqual([['login', 'failed']])
    writeLogin(state, { hub, token: TOKEN, team_slug: 'harbour' })
    const whole = [
      ['login', 'ok'],
      ['token', 'ok'],
    ]
    expect(await look({ team_slug: 'harbour' })).toEqual([...whole, ['hub', 'ok']])
    expect(await look({ team_slug: 'pier' })).toEqual([...whole, ['hub', 'failed']])
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
    for (const [days, word] of [
      [2, 'note'],
      [30, 'ok'],
    ] as const) {
      const me = { team_slug: 'harbour', expires_at: inDays(days) }
      expect(await look(me)).toEqual([...whole, ['hub', 'ok'], ['expiry', word]])
    }
    answer = { status: 401, body: '{}' }
    expect((await checkLogin(state)).at(-1)).toMatchObject({ name: 'hub', state: 'failed' })
    fs.chmodSync(join(state, 'login.json'), 0o644)
    expect((await checkLogin(state))[0]).toMatchObject({ name: 'login', state: 'failed' })
  })

  it('can be aborted, and does not start when it was', async () => {
    const signal = AbortSignal.abort()
    await expect(verifyLogin({ hub, token: TOKEN, signal })).rejects.toMatchObject({
      code: 'HUB_UNREACHABLE',
    })
    expect(heard).toEqual([])
  })

  it('asks nobody with a token that cannot be one', async () => {
    await expect(verifyLogin({ hub, token: 'a\r\nb: c d e' })).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
    })
    expect(heard).toEqual([])
  })
})
