/** A repository that names a hub, in every file that a program might look for one: nothing goes there, and no token. */
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { TestHub, TestMachine } from '../support/test-machine.ts'

const TIMEOUT_MS = 60_000
const TOKEN = 'a-token-of-the-repository'

/** Takes whatever comes, and answers nothing that anybody would wait for. */
async function trap(): Promise<{ url: string; visits: string[] }> {
  const visits: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    visits.push('somebody came')
    socket.on('data', (bytes) => visits.push(bytes.toString('latin1'))).on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, visits }
}

/** What a hub, its token and the consent for it might be called. */
function settings(url: string): Record<string, unknown> {
  const hub = { url, server_url: url, hub: url, token: TOKEN, team_slug: 'coast' }
  return { ...hub, sync: { ...hub, enabled: true, consent: 'granted' }, auth: hub, kittiwake: hub }
}

/** Answers the files that must stay as they are. */
function name(root: string, url: string): readonly string[] {
  const json = JSON.stringify(settings(url))
  const env = `KITTIWAKE_HUB=${url}\nKITTIWAKE_HUB_URL=${url}\nKITTIWAKE_TOKEN=${TOKEN}\n`
  appendFileSync(
    join(root, '.kittify/config.yaml'),
    `sync:\n  server_url: ${url}\n  enabled: true\n  consent: granted\nhub: ${url}\nserver_url: ${url}\ntoken: ${TOKEN}\n`,
  )
  appendFileSync(
    join(root, '.git/config'),
    `[kittiwake]\n\thub = ${url}\n\ttoken = ${TOKEN}\n[http]\n\tproxy = ${url}\n[remote "origin"]\n\turl = ${url}/coast/seabird.git\n[url "${url}/"]\n\tinsteadOf = http://127.0.0.1\n`,
  )
  writeFileSync(join(root, '.env'), `${env}HTTP_PROXY=${url}\nHTTPS_PROXY=${url}\n`)
  const made = ['login.json', '.kittify/login.json', '.kittiwakerc', '.kittify/sync.json']
  for (const file of made) writeFileSync(join(root, file), json, { mode: 0o600 })
  return [...made, '.env', '.git/config']
}

it(
  'sends nothing to a hub that only the repository names, whoever is logged in where (S13)',
  async () => {
    const machine = new TestMachine()
    onTestFinished(() => machine.close())
    const { url, visits } = await trap()
    const { root, uuid } = await machine.project('seabird')
    const files = name(root, url)
    const before = files.map((file) => readFileSync(join(root, file), 'utf8'))
    const says = async (...args: string[]) => (await machine.run(root, args)).document
    const emit = async () =>
      (await machine.runHere(root, ['emit', 'NoteTaken', '--payload', '{"text":"tern"}'])).document

    expect(await emit()).toMatchObject({ ok: true })
    expect(await says('sync', 'now')).toMatchObject({ reason: 'no_consent' })
    expect(await says('sync', 'opt-in')).toMatchObject({ ok: true })
    expect(await says('sync', 'now')).toMatchObject({ reason: 'not_authenticated' })
    expect(await says('auth', 'whoami')).toMatchObject({ ok: false })

    const hub = await new TestHub(machine).start()
    await hub.login(root)
    expect(await emit()).toMatchObject({ ok: true })
    expect(await says('sync', 'now')).toMatchObject({ ok: true })
    expect(await hub.rows('event', uuid)).not.toEqual([])
    expect(await says('sync', 'status')).toMatchObject({ ok: true })

    expect(await says('auth', 'logout')).toMatchObject({ ok: true })
    expect(await emit()).toMatchObject({ ok: true })
    expect(await says('sync', 'now')).toMatchObject({ reason: 'not_authenticated' })
    expect(visits).toEqual([])
    expect(files.map((file) => readFileSync(join(root, file), 'utf8'))).toEqual(before)
  },
  TIMEOUT_MS,
)
