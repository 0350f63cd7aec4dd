/** What is given to those who run a hub: held to the rules that a linter has, to the program's words, and run where it can be. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createCli } from '#dist/cli/run.js'
import { openDatabase } from '#dist/hub/data/database.js'
import { findNatsServer } from '../scripts/nats-server.mjs'
import { temporaryFolder } from './hub/support.ts'
import { emitNote, noteOf } from './support/drafts.ts'
import { TestWorld } from './support/test-machine.ts'

type Service = Readonly<Record<string, unknown>> & {
  readonly image: string
  readonly command?: readonly string[]
  readonly user?: string
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>>
  readonly tmpfs?: readonly string[]
  readonly secrets?: readonly (string | { readonly source: string })[]
}
type Compose = {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<Record<string, unknown>>
  readonly secrets?: Readonly<Record<string, { readonly file: string }>>
}

const ROOT = join(import.meta.dirname, '..')
const DEPLOY = join(ROOT, 'deploy')
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8')
const compose = (name: string) => parse(read('deploy', name), { merge: true }) as Compose
const { version } = JSON.parse(read('package.json')) as { version: string }
/** Of a name and a version that says all of it: no `latest`, no `3`. */
const PINNED = /^[a-z0-9/-]+:\d+\.\d+\.\d+(?:-[a-z]+)?$/
const FILES = ['compose.yaml', 'compose.nats.yaml']
const SERVICES = FILES.flatMap((file) =>
  Object.entries(compose(file).services).map(([name, service]) => [file, name, service] as const),
)

describe('a compose file', () => {
  it.each(SERVICES)(
    '%s runs %s by a pinned image, as no root, with nothing to spare',
    (_, name, service) => {
      expect(service.image).toMatch(PINNED)
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        restart: 'unless-stopped',
        mem_limit: expect.stringMatching(/^\d+[mg]$/),
      })
      // The proxy alone binds low ports, and has no more than that for it.
      if (name === 'proxy') expect(service['cap_add']).toEqual(['NET_BIND_SERVICE'])
      else expect([service.user, service['cap_add']]).toEqual(['1000:1000', undefined])
      for (const port of name === 'proxy' ? [] : (service.ports ?? [])) {
        expect(port).toMatch(/^127\.0\.0\.1:/)
      }
      if (name === 'nats') expect(service.ports).toBeUndefined()
      expect(service['privileged']).toBeUndefined()
      // The hub's own check stands in its image.
      if (!service.image.startsWith('kittiwake-hub:')) {
        expect(service['healthcheck']).toMatchObject({ interval: '10s', timeout: '3s', retries: 3 })
      }
    },
  )

  it.each(FILES)(
    '%s names what it has: volumes, networks, secrets, services, this version',
    (file) => {
      const { services, volumes, networks, secrets = {} } = compose(file)
      const used = Object.values(services).flatMap((service) => [
        ...(service.volumes ?? []).map((one) => ['volume', one.split(':')[0] ?? '']),
        ...(service.networks ?? []).map((one) => ['network', one]),
        ...(service.secrets ?? []).map((one) => [
          'secret',
          typeof one === 'string' ? one : one.source,
        ]),
        ...Object.keys(service.depends_on ?? {}).map((one) => ['service', one]),
      ])
      const there = { volume: volumes, network: networks, secret: secrets, service: services }
      for (const [kind, name = ''] of used) {
        if (name.startsWith('./')) expect(readdirSync(DEPLOY)).toContain(name.slice(2))
        else expect(Object.keys(there[kind as keyof typeof there])).toContain(name)
      }
      const own = Object.values(services).filter(({ image }) => image.startsWith('kittiwake-hub:'))
      expect(new Set(own.map(({ image }) => image))).toEqual(new Set([`kittiwake-hub:${version}`]))
    },
  )

  it('and the image, the unit and the guide say words that the program has', () => {
    const words = (compose('compose.yaml').services['hub']?.command ?? []).map((word) =>
      word.replace(/\$\{[^}]*\}/, 'hub.example.org'),
    )
    const [cmd] = /^CMD (\[.*\])$/m.exec(read('deploy/Dockerfile'))?.slice(1) ?? []
    const unit = /^ExecStart=\/usr\/bin\/kittiwake (.*)$/m.exec(
      read('deploy/systemd/kittiwake-hub.service'),
    )
    const blocks = [...read('docs/deployment.md').matchAll(/```sh\n([^]*?)```/g)].join('\n')
    const told = [...blocks.matchAll(/^(?:.* )?kittiwake ((?:hub|auth) .*)$/gm)]
    expect(told.length).toBeGreaterThan(5)
    const lines = [
      words,
      JSON.parse(cmd ?? '[]') as string[],
      (unit?.[1] ?? '').split(' '),
      ...told.map(([, line = '']) =>
        line.replaceAll(/"[^"]*(?:\([^)]*\))?[^"]*"/g, 'x').split(' '),
      ),
    ]
    const cli = createCli()
    const context = { cwd: ROOT, signal: new AbortController().signal }
    for (const line of lines) {
      expect(line.length).toBeGreaterThan(2)
      expect(() => cli.process([...line], context)).not.toThrow()
    }
  })
})

describe('the image', () => {
  const lines = read('deploy/Dockerfile')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const of = (word: string) => lines.filter((line) => line.startsWith(`${word} `))

  it('is built from pinned ones, and runs as no root, with a check, by words and no shell', () => {
    const [arg] = of('ARG')
    expect(arg).toMatch(/^ARG NODE=\d+\.\d+\.\d+$/)
    expect(of('FROM').every((line) => line.startsWith('FROM node:${NODE}-'))).toBe(true)
    expect(of('ADD')).toEqual([])
    // The last word on who runs it.
    expect(lines.indexOf('USER node')).toBeGreaterThan(
      lines.findLastIndex((line) => line.startsWith('RUN ')),
    )
    expect(of('USER')).toEqual(['USER node'])
    for (const line of [...of('ENTRYPOINT'), ...of('CMD')]) {
      expect(() => JSON.parse(line.slice(line.indexOf('[')))).not.toThrow()
    }
    expect(of('HEALTHCHECK')[0]).toContain('http://127.0.0.1:4180/health')
  })

  it('takes of the repository what the package is made of, and nothing beside', () => {
    const taken = read('deploy/Dockerfile.dockerignore').split('\n').filter(Boolean)
    expect(taken[0]).toBe('*')
    const names = taken.slice(1).map((line) => line.replace(/^!/, ''))
    expect(names.filter((name) => !readdirSync(ROOT).includes(name))).toEqual([])
    const { files } = JSON.parse(read('package.json')) as { files: string[] }
    const needed = files.map((path) => path.split('/')[0]).filter((name) => name !== 'dist')
    expect(needed.filter((name) => !names.includes(name ?? ''))).toEqual([])
    expect(names).not.toContain('.git')
  })
})

describe('the units of systemd', () => {
  const analyze = (...args: string[]) =>
    spawnSync('systemd-analyze', args, { encoding: 'utf8', timeout: 30_000 })
  const isHere = analyze('--version').status === 0
  if (!isHere) console.log('skipped: there is no systemd-analyze here')

  it.skipIf(!isHere)('are understood by systemd, and leave the hub little to do harm with', () => {
    const folder = temporaryFolder()
    const units = readdirSync(join(DEPLOY, 'systemd'))
    for (const name of units) {
      const text = read('deploy/systemd', name).replaceAll('/usr/bin/kittiwake', process.execPath)
      writeFileSync(join(folder, name), text)
    }
    const verified = analyze('verify', '--man=no', ...units.map((name) => join(folder, name)))
    expect([verified.status, verified.stderr, verified.stdout]).toEqual([0, '', ''])
    for (const name of units.filter((one) => one.endsWith('.service'))) {
      // In tenths of the whole exposure.
      const rated = analyze('security', '--offline=true', '--threshold=15', join(folder, name))
      expect(`${name}: ${rated.status}`).toBe(`${name}: 0`)
    }
  })
})

describe('a proxy', () => {
  it.each([
    [
      'nginx.conf',
      [
        'proxy_set_header Host $host;',
        'X-Forwarded-For',
        'proxy_set_header Upgrade $http_upgrade;',
        'proxy_set_header Connection $kittiwake_connection;',
        'client_max_body_size 5m;',
        'proxy_http_version 1.1;',
        'proxy_read_timeout 60s;',
      ],
    ],
    // It keeps the name, says for whom it asks, and passes upgrades on by itself.
    ['Caddyfile', ['reverse_proxy', 'health_uri /health', 'max_size 5MB']],
  ])('%s says what the hub asks for, in whole blocks', (name, wanted) => {
    const text = read('deploy', name).replaceAll(/#.*$/gm, '')
    for (const words of wanted) expect(text).toContain(words)
    expect(text.split('{').length).toBe(text.split('}').length)
  })

  const server = findNatsServer()
  const isNeeded = process.env['REQUIRE_SHARED'] === '1'
  it.skipIf(server === null && !isNeeded)('has settings that nats-server understands', () => {
    const folder = temporaryFolder()
    const said = spawnSync(server ?? '', ['--version'], { encoding: 'utf8' }).stdout
    // Before 2.10 the setting was not there.
    const isOld = /v2\.[0-9]\./.test(said)
    const [, cluster = ''] =
      /<!-- cluster:.*-->\n+```\n([^]*?)```/.exec(read('docs/deployment.md')) ?? []
    expect(cluster).toContain('routes')
    const text = `${read('deploy/nats.conf')}\n${cluster}`
    writeFileSync(
      join(folder, 'nats.conf'),
      isOld ? text.replace(/^.*sync_interval:.*$/m, '') : text,
    )
    writeFileSync(join(folder, 'nats-password.conf'), 'password: "secret"\n')
    const tried = spawnSync(server ?? '', ['--config', join(folder, 'nats.conf'), '-t'], {
      encoding: 'utf8',
    })
    expect([tried.status, tried.stderr]).toEqual([0, expect.stringContaining('is valid')])
  })
})

describe('the guide', () => {
  it('backs up, restores and retains by its own lines, and no event is lost or doubled', async () => {
    await using world = await TestWorld.make()
    const { machine, hub, root, uuid } = world
    const notes = async () => (await hub.rows('event', uuid)).map(({ event }) => noteOf(event))
    const [bin, backups] = [join(machine.folder, 'bin'), join(machine.folder, 'backups')]
    for (const folder of [bin, backups]) mkdirSync(folder)
    const program = join(bin, 'kittiwake')
    writeFileSync(
      program,
      `#!/bin/sh\nexec ${process.execPath} ${join(ROOT, 'dist/cli/main.js')} "$@"\n`,
    )
    chmodSync(program, 0o755)
    const env = {
      ...machine.env,
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      HUB_DATA: hub.dataDir,
      HUB_BACKUPS: backups,
    }
    const run = (name: string) => {
      const ran = spawnSync('/bin/sh', ['-euc', linesOf(name)], { env, encoding: 'utf8' })
      expect([name, ran.status, ran.stderr]).toEqual([name, 0, ''])
      return ran.stdout
    }
    await machine.ok(root, emitNote('before'))
    await machine.ok(root, ['sync', 'now'])
    expect(run('backup')).toContain('The backup is written: 1 event, 0 commits.')
    await machine.ok(root, emitNote('after'))
    await machine.ok(root, ['sync', 'now'])
    expect(await notes()).toEqual(['before', 'after'])
    await hub.kill()
    expect(run('restore')).toContain('Restored 1 event and 0 commits, under a new epoch.')
    await hub.start()
    expect(await notes()).toEqual(['before'])
    await machine.ok(root, ['sync', 'now'])
    expect(await notes()).toEqual(['before', 'after'])

    await hub.kill()
    const database = openDatabase(hub.dataDir, { busyTimeoutMs: 1_000, create: false })
    database.exec('UPDATE events SET received_at = 1 WHERE project_seq = 1')
    database.close()
    expect(run('retain')).toContain('Emptied 1 event and 0 commits.')
    await hub.start()
    expect(await notes()).toEqual(['after'])
  })
})

/** Of the block beneath a mark. */
function linesOf(name: string): string {
  const text = read('docs/deployment.md')
  const found = new RegExp(`<!-- ${name}: [^>]*-->\\n\\n\`\`\`sh\\n([^]*?)\`\`\``).exec(text)
  if (found?.[1] === undefined) throw new Error(`no block is marked as ${name}`)
  return found[1]
}
