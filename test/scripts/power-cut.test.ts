/** The power cut, replayed: what the model of a disk keeps, and commands that are cut right after they said what they did. */
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Random } from '../../scripts/chaos/random.mjs'
import { Disk, keeperOf, readRecord } from '../../scripts/prove/disk-model.mjs'
import { followersOf, PowerCut, WAYS } from '../../scripts/prove/power-cut.mjs'

const TIMEOUT_MS = 120_000
const CHANCE = Number(process.env['POWER_SEED'] ?? randomInt(2 ** 31))
const LEAST = Object.keys(WAYS).filter((way) => WAYS[way]?.isLeast)

type Change = { what: string; inode?: string; offset?: number; other?: string; text?: string }

/** A folder with `old` in it, and what a cut after all of these changes leaves of it. */
function cut(
  way: string,
  changes: readonly (Change & { name: string })[],
): (name: string) => string {
  const home = mkdtempSync(join(tmpdir(), 'kittiwake-disk-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const root = join(home, 'root')
  mkdirSync(join(root, 'folder'), { recursive: true })
  writeFileSync(join(root, 'old'), 'old')
  const disk = new Disk(root, join(home, 'copy'))
  const record = changes.map(({ what, name, other, inode = '', offset = 0, text = '' }) => ({
    what,
    inode,
    offset,
    path: join(root, name),
    other: other === undefined ? '' : join(root, other),
    bytes: Buffer.from(text),
  }))
  const keeper = keeperOf(disk, record, record.length, { way, random: new Random(1) })
  disk.build(disk.after(record, record.length, keeper))
  return (name) => {
    const path = join(root, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : 'nothing'
  }
}

const NEW = [
  { what: 'create', name: 'folder/new', inode: '7' },
  { what: 'write', name: 'folder/new', inode: '7', text: 'new' },
]
const SYNCED = { what: 'sync', name: 'folder/new', inode: '7' }
const FOLDER_SYNCED = { what: 'sync', name: 'folder', inode: '8' }

describe('the model of a disk', () => {
  it.each([
    ['nothing without an fsync', NEW, ['nothing', 'nothing']],
    ['a file, and its name where one journal has all', [...NEW, SYNCED], ['new', 'nothing']],
    ['a file whose folder was fsynced', [...NEW, SYNCED, FOLDER_SYNCED], ['new', 'new']],
    ['no data of a file whose folder alone was fsynced', [...NEW, FOLDER_SYNCED], ['', '']],
  ])('keeps %s', (_, changes, [journal, folders]) => {
    const [one = '', each = ''] = LEAST
    expect(cut(one, changes)('folder/new')).toBe(journal)
    expect(cut(each, changes)('folder/new')).toBe(folders)
  })

  it('undoes a rename that nothing made sure of, and fills gaps with NUL bytes', () => {
    const renamed = { what: 'rename', name: 'folder/new', other: 'old' }
    const [one = ''] = LEAST
    const left = cut(one, [...NEW, SYNCED, renamed])
    expect([left('old'), left('folder/new')]).toEqual(['old', 'new'])
    const done = cut(one, [...NEW, SYNCED, renamed, FOLDER_SYNCED])
    expect([done('old'), done('folder/new')]).toEqual(['new', 'nothing'])
    const far = { what: 'write', name: 'folder/new', inode: '7', offset: 5, text: '!' }
    expect(cut(one, [...NEW, far, SYNCED, FOLDER_SYNCED])('folder/new')).toBe('new\0\0!')
  })

  it('knows what no change of the record made', () => {
    const home = mkdtempSync(join(tmpdir(), 'kittiwake-disk-'))
    onTestFinished(() => rmSync(home, { recursive: true, force: true }))
    const root = join(home, 'root')
    mkdirSync(root)
    const disk = new Disk(root, join(home, 'copy'))
    expect(disk.strays([])).toEqual([])
    writeFileSync(join(root, 'new'), 'new')
    expect(disk.strays([])).toEqual([join(root, 'new')])
  })

  it('reads what the recorder wrote, whatever bytes that are', () => {
    const log = Buffer.from('write\t7\t3\t4\t/a\t\na\tb\nsync\t7\t0\t0\t/a\t\n')
    expect(readRecord(log)).toMatchObject([
      { what: 'write', inode: '7', offset: 3, path: '/a', bytes: Buffer.from('a\tb\n') },
      { what: 'sync', bytes: Buffer.alloc(0) },
    ])
  })
})

describe.skipIf(PowerCut.obstacle() !== null)('a power cut, replayed', () => {
  it.each([
    ['all settings of git that were there', 'hooks install', 'the same'],
    ['a whole hub that was put back', 'hub restore of what hubs share', 'the same'],
  ])(
    'leaves %s (F03)',
    async (_, scenario, next) => {
      const power = await PowerCut.open()
      onTestFinished(() => power.close())
      const run = await power.record(scenario)
      const cut = { at: run.record.length, random: new Random(1), next }
      for (const way of LEAST) await power.cut(run, { ...cut, way })
      expect(power.faults.join('\n')).toBe('')
    },
    TIMEOUT_MS,
  )

  it(
    `leaves what was said, and whatever else heals, under POWER_SEED=${CHANCE} (F03, I1, I7)`,
    async () => {
      const random = new Random(CHANCE)
      const power = await PowerCut.open()
      onTestFinished(() => power.close())
      const first = random.pick(['emit', 'mission create'])
      for (const scenario of [first, 'decision answer']) {
        const run = await power.record(scenario)
        expect(run.saidAt).toBeGreaterThan(0)
        const [next = 'a request'] = followersOf(scenario)
        const least = scenario === first ? LEAST.slice(0, 1) : LEAST
        for (const way of least) await power.cut(run, { at: run.saidAt + 1, way, random, next })
        const at = random.between(0, run.record.length)
        await power.cut(run, { at, way: random.pick(Object.keys(WAYS)), random, next })
        power.restore(run)
      }
      expect(power.faults.join('\n')).toBe('')
      expect(power.cuts).toBe(5)
    },
    TIMEOUT_MS,
  )
})
