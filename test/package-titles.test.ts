/** What work packages are called, by their files and by the log, and how commands say it. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { locateRepository } from '#dist/project/git/locate.js'
import { readMission } from '#dist/project/missions/missions.js'
import { packageTitles } from '#dist/package-titles.js'
import { rawHere } from './support/run-here.ts'
import { RuntimeWorld } from './support/runtime-world.ts'

class Place {
  readonly world: RuntimeWorld
  readonly mission: string

  static async open(): Promise<Place> {
    const world = await RuntimeWorld.withProject()
    return new Place(world, await world.createMission('harbour'))
  }

  private constructor(world: RuntimeWorld, mission: string) {
    this.world = world
    this.mission = mission
  }

  get tasks(): string {
    return join(this.world.root, 'kitty-specs', this.mission, 'tasks')
  }

  write(name: string, text: string): void {
    mkdirSync(this.tasks, { recursive: true })
    writeFileSync(join(this.tasks, name), text)
  }

  async titles(packages: readonly { wp_id: string; title: string | null }[]) {
    const repository = await locateRepository(this.world.root)
    return packageTitles(repository, await readMission(repository, this.mission), packages)
  }

  async print(...args: readonly string[]): Promise<string> {
    const { root, state } = this.world
    const env = { ...process.env, KITTIWAKE_HOME: state, KITTIWAKE_AUTO_START: '0' }
    const { code, out, err } = await rawHere({ cwd: root, env }, args)
    expect([code, err]).toEqual([0, ''])
    return out
  }
}

function named(title: string, more = ''): string {
  return `---\nwork_package_id: WP01\ntitle: ${title}\n${more}---\n\n# Work\n`
}

describe('the title of a work package', () => {
  it('is that of its file, else the one it was made with', async () => {
    const place = await Place.open()
    place.write('WP01-first-steps.md', named('"Moor the ferry"'))
    place.write('WP02.md', named("'Ring: the bell'").replaceAll('\n', '\r\n'))
    place.write('WP09-not-made.md', named('Nobody made it'))
    place.write('README.md', named('No package'))
    const packages = ['WP01', 'WP02', 'WP03', 'WP04'].map((wp_id) => ({
      wp_id,
      title: wp_id === 'WP04' ? null : `Made as ${wp_id}`,
    }))
    expect(await place.titles(packages)).toEqual({
      WP01: 'Moor the ferry',
      WP02: 'Ring: the bell',
      WP03: 'Made as WP03',
    })
  })

  it.each([
    ['without front matter', '# WP01\n'],
    ['whose front matter has no end', '---\ntitle: Half\n'],
    ['that is no YAML', named('"half')],
    ['that is no map', '---\n- title\n---\n'],
    ['whose title is a list', named('[a, b]')],
    ['whose title is blank', named("'  '")],
    ['that is too large', named('Large') + 'x'.repeat(1024 * 1024)],
  ])('of a file %s is none', async (_, text) => {
    const place = await Place.open()
    place.write('WP01.md', text)
    expect(await place.titles([{ wp_id: 'WP01', title: null }])).toEqual({})
  })

  it('is read through no link', async () => {
    const place = await Place.open()
    const elsewhere = join(place.world.home, 'elsewhere.md')
    writeFileSync(elsewhere, named('Elsewhere'))
    mkdirSync(place.tasks)
    symlinkSync(elsewhere, join(place.tasks, 'WP01.md'))
    expect(await place.titles([{ wp_id: 'WP01', title: null }])).toEqual({})
  })

  it('is sanitized, and bounded', async () => {
    const place = await Place.open()
    place.write('WP01.md', named('Ask wren@example.org'))
    place.write('WP02.md', named('\u{1F6A2}'.repeat(300)))
    const titles = await place.titles([
      { wp_id: 'WP01', title: null },
      { wp_id: 'WP02', title: null },
    ])
    expect(titles['WP01']).toMatch(/^Ask <[^>]+>$/)
    expect(titles['WP02']).toBe(`${'\u{1F6A2}'.repeat(199)}…`)
  })
})

describe('a board', () => {
  it('says what its packages are called, a line each, and nothing that a terminal obeys', async () => {
    const place = await Place.open()
    const runtime = await place.world.open()
    const { mission } = place
    await runtime.workPackages.create({ mission, wp_id: 'WP01' })
    await runtime.workPackages.create({ mission, wp_id: 'WP02' })
    expect(await place.print('status')).toBe(`${mission}\n  planned      WP01 WP02\n`)

    await runtime.workPackages.create({ mission, wp_id: 'WP03', title: 'Ring the bell' })
    await runtime.workPackages.move({ mission, wp_id: 'WP03', to: 'claimed' })
    place.write('WP01.md', named('"Moor\\e[31m\\nWP99 the ferry"'))
    expect(await place.print('status')).toBe(
      `${mission}\n` +
        '  planned      WP01 Moor\ufffd[31m ⏎ WP99 the ferry\n' +
        '               WP02\n' +
        '  claimed      WP03 Ring the bell\n',
    )
    expect(JSON.parse(await place.print('status', '--json'))).toMatchObject({
      missions: [{ titles: { WP01: 'Moor\u001b[31m\nWP99 the ferry', WP03: 'Ring the bell' } }],
    })
    expect(await place.print('wp', 'list', '--mission', mission)).toMatch(
      /^WP03 {2}Ring the bell +claimed /m,
    )
  })
})
