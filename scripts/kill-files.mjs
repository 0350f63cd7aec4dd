// Commands that write files, settings of git or what is kept beside the events, as data for the sweeps.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { appendFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { lineFaults } from './kill-hub.mjs'
import {
  configured,
  done,
  EMIT,
  newFile,
  newPath,
  NODE,
  project,
  settingFaults,
  storeFaults,
  wholeFaults,
} from './kill-places.mjs'

const EVENTS = 3
const HUB = { origin: 'https://hub.example.org', team: 'team', epoch: 'first' }
const TERM = 'gull'
const ATTRIBUTES = '.gitattributes'
const NEXT = ['the same', 'an event']
const inRoot = (_, { root }) => root

/** As `APART`. */
export const OF_FILES = {
  focus: {
    take: () => null,
    args: (world) => ['focus', '--mission', world.mission],
    next: NEXT,
    check: async (world) => {
      const { focus } = await done(world, world.root, ['focus'])
      return focus?.mission === world.mission ? [] : ['nobody works on anything']
    },
  },
  'focus on nothing': {
    take: (world) => done(world, world.root, ['focus', '--mission', world.mission]),
    args: () => ['focus', '--clear'],
    next: NEXT,
    check: async (world) => {
      const { focus } = await done(world, world.root, ['focus'])
      return focus === null ? [] : ['somebody works on something']
    },
  },
  'hooks uninstall': {
    take: async (world) => {
      const made = await configured(world)
      await done(world, made.root, ['hooks', 'install'])
      return made
    },
    cwd: inRoot,
    args: () => ['hooks', 'uninstall'],
    next: ['the same'],
    left: (world, { root }) => settingFaults(world, root),
    check: async (world, { root }) => {
      const { parts } = await done(world, root, ['hooks', 'status'])
      // Others use what is committed.
      const left = parts.filter(({ name, state }) => state === 'installed' && name !== ATTRIBUTES)
      return [...left.map(({ name }) => `${name} is installed`), ...wholeFaults(world, root)]
    },
  },
  'hooks run': {
    take: async (world) => {
      const made = await missionOf(world)
      const folder = join(made.worktree, 'kitty-specs', made.mission)
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'note.md'), 'a note\n')
      world.git(made.worktree, 'add', '.')
      world.git(made.worktree, 'commit', '-q', '-m', 'A note')
      return made
    },
    cwd: inRoot,
    args: () => ['hooks', 'run', 'post-commit'],
    next: ['the same'],
    check: async (world, { root }) => {
      const again = await world.attempt(OF_FILES['hooks run'].args(), {}, { cwd: root })
      return again.document?.pending_commits > 0
        ? wholeFaults(world, root)
        : ['the commit is not noted']
    },
  },
  'log repair': {
    take: async (world) => {
      const made = await missionOf(world)
      const asked = ['decision', 'request', '--mission', made.mission, '--question', 'Which?']
      const { event_id } = await done(world, made.root, asked)
      const log = join(made.worktree, 'kitty-specs', made.mission, 'decisions.events.jsonl')
      appendFileSync(log, '<<<<<<< ours\n=======\n>>>>>>> theirs\n')
      return { ...made, log, event_id }
    },
    cwd: inRoot,
    args: () => ['log', 'repair'],
    next: ['the same'],
    check: (world, { root, log, event_id }) => {
      const text = readFileSync(log, 'utf8')
      return [
        ...(text.includes('<<<<<<<') ? ['the log is as it was'] : []),
        ...(text.includes(event_id) ? [] : [`${event_id} is lost`]),
        ...wholeFaults(world, root),
      ]
    },
  },
  'merge-driver': {
    take: (world) => {
      const folder = newPath(world, 'merge')
      const row = (name) => JSON.stringify({ event_id: `01J0000000000000000000000${name}` })
      const files = { base: [row(1)], ours: [row(1), row(2)], theirs: [row(1), row(3)] }
      mkdirSync(folder)
      for (const [name, rows] of Object.entries(files)) {
        writeFileSync(join(folder, name), `${rows.join('\n')}\n`)
      }
      return Object.keys(files).map((name) => join(folder, name))
    },
    // The files are git's own for the time of a merge, which begins anew after a cut.
    isRecordable: false,
    args: (_, [base, ours, theirs]) => {
      return ['merge-driver', base, ours, theirs, 'kitty-specs/m/decisions.events.jsonl']
    },
    next: ['the same'],
    left: (_, [, ours], document) => (document === null ? [] : lineFaults(ours, EVENTS, document)),
    check: (_, [, ours]) => lineFaults(ours, EVENTS, {}),
  },
  'glossary verify': {
    take: async (world) => {
      const { conflict_id, term } = await world.takeTerm()
      const where = ['--mission', world.mission, '--select', '1']
      await done(world, world.root, ['glossary', 'resolve', conflict_id, ...where])
      const file = join(world.root, '.kittify', 'glossaries', 'team_domain.yaml')
      rmSync(file)
      return { file, term }
    },
    args: () => ['glossary', 'verify', '--repair'],
    next: ['the same'],
    check: (_, { file, term }) =>
      existsSync(file) && readFileSync(file, 'utf8').includes(term) ? [] : [`no file has ${term}`],
  },
  'bulk-edit plan': {
    take: async (world) => {
      const made = await missionOf(world)
      writeFileSync(join(made.root, 'README.md'), `# ${TERM}\n`)
      return { ...made, map: join(made.root, 'kitty-specs', made.mission, 'occurrence_map.yaml') }
    },
    cwd: inRoot,
    args: (_, { mission }) => ['bulk-edit', 'plan', TERM, '--mission', mission, '--write'],
    next: ['the same'],
    refused: 'MAP_EXISTS',
    left: (_, { map }, document) => (document === null && !existsSync(map) ? [] : mapFaults(map)),
    check: (_, { map }) => mapFaults(map),
  },
  'migrate-events': {
    take: async (world) => {
      const made = await recorded(world)
      const from = newPath(world, 'events')
      await done(world, made.root, ['queue', 'export', '--bare', '--out', from])
      return { from, out: newFile(world, 'migrated') }
    },
    args: (_, { from, out }) => ['migrate-events', from, '--out', out],
    next: ['the same'],
    refused: 'OUTPUT_EXISTS',
    left: (_, { out }, document) => lineFaults(out, EVENTS, document),
    check: (_, { out }) => lineFaults(out, EVENTS, {}),
  },
  schema: {
    take: (world) => newPath(world, 'schemas'),
    args: (_, out) => ['schema', '--out', out],
    next: ['the same'],
    check: async (world, out) => {
      const { code } = await world.attempt(['schema', '--check', '--out', out])
      return code === 0 ? [] : ['the schemas are not what the program says']
    },
  },
  'queue export': {
    take: async (world) => ({ ...(await recorded(world)), out: newFile(world, 'export') }),
    cwd: inRoot,
    args: (_, { out }) => ['queue', 'export', '--out', out],
    next: ['the same'],
    refused: 'EXPORT_EXISTS',
    left: (_, { out }, document) => lineFaults(out, EVENTS, document),
    check: (_, { out }) => lineFaults(out, EVENTS, {}),
  },
  'queue gc': {
    take: async (world) => {
      const made = await recorded(world)
      const { Outbox } = await import('../dist/workers/store/outbox.js')
      const owner = { kind: 'project', uuid: made.uuid }
      const outbox = Outbox.open({ path: made.path, owner, nodeId: NODE })
      outbox.grantConsent(true)
      outbox.target(HUB)
      outbox.settle(
        outbox.claim(EVENTS).rows.map(({ event_id }) => event_id),
        [],
      )
      outbox.close()
      return made
    },
    cwd: inRoot,
    args: () => ['queue', 'gc', '--older-than', '0s', '--yes'],
    next: NEXT,
    check: async (world, { root, path, ids }) => {
      const again = await done(world, root, ['queue', 'gc', '--older-than', '0s'])
      return [...(again.count === 0 ? [] : ['content is left']), ...storeFaults(path, ids)]
    },
  },
  'sync import-history': {
    take: async (world) => {
      const made = await recorded(world)
      await done(world, made.root, ['sync', 'opt-in'])
      const { hash } = await done(world, made.root, ['sync', 'import-history'])
      return { ...made, hash }
    },
    cwd: inRoot,
    args: (_, { hash }) => ['sync', 'import-history', '--confirm', hash],
    next: ['the same'],
    refused: 'HISTORY_CHANGED',
    check: async (world, { root, path, ids }) => {
      const { count } = await done(world, root, ['sync', 'import-history'])
      return [...(count === 0 ? [] : [`${count} are held`]), ...storeFaults(path, ids)]
    },
  },
  'sync import-history of ledgers': {
    take: async (world) => {
      const made = await missionOf(world)
      await done(world, made.root, ['sync', 'opt-in'])
      await done(world, made.root, ['wp', 'create', 'WP01', '--mission', made.mission])
      const { hash } = await done(world, made.root, ['sync', 'import-history', '--ledgers'])
      return { ...made, hash }
    },
    cwd: inRoot,
    args: (_, { hash }) => ['sync', 'import-history', '--ledgers', '--confirm', hash],
    next: ['the same'],
    check: (_, { root, mission }) => {
      const path = join(root, '.git', 'kittiwake', 'history')
      const isNoted = existsSync(path) && readFileSync(path, 'utf8').endsWith(` ${mission}\n`)
      return isNoted ? [] : ['nothing is released']
    },
  },
  'sync purge': {
    take: (world) => recorded(world),
    cwd: inRoot,
    args: () => ['sync', 'purge', '--yes'],
    next: ['the same'],
    left: (_, { path }, document) => (document === null ? [] : goneFaults(path)),
    check: (_, { path }) => goneFaults(path),
  },
}

/** A project with events that nobody has, and their ids; before them, such a command. */
export async function recorded(world, first = null) {
  const made = await project(world)
  if (first !== null) await done(world, made.root, first)
  const ids = []
  for (let n = 0; n < EVENTS; n += 1) ids.push((await done(world, made.root, EMIT)).event_id)
  return { ...made, ids }
}

/** A project with a mission. */
async function missionOf(world) {
  const made = await project(world)
  const { mission_slug, worktree } = await done(world, made.root, ['mission', 'create', 'second'])
  return { ...made, mission: mission_slug, worktree }
}

function mapFaults(path) {
  if (!existsSync(path)) return [`${path} is not there`]
  const text = readFileSync(path, 'utf8')
  return text.includes(TERM) && text.endsWith('\n') ? [] : [`${path} is not whole`]
}

function goneFaults(path) {
  return existsSync(dirname(path)) ? [`${dirname(path)} is still there`] : []
}
