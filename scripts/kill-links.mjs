// Commands that hold a link to a hub, as data for the sweeps.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recorded } from './kill-files.mjs'
import { ask, done, newPath, storeFaults } from './kill-places.mjs'
import { document, start } from './program.mjs'

const TEAM = 'coast'
const serving = new WeakMap()

/** As `APART`. */
export const OF_LINKS = {
  'sync now': linked(['sync', 'now']),
  'sync run': { ...linked(['sync', 'run']), isServing: true },
  'sync run --all': { ...linked(['sync', 'run', '--all']), isServing: true },
}

function linked(args) {
  return {
    take: linkedProject,
    cwd: (_, { root }) => root,
    args: () => args,
    // The hub is no part of what a cut leaves behind.
    isRecordable: false,
    next: ['the same'],
    check: async (world, { root, path, ids, data }) => {
      const { code, document: said } = await world.attempt(['sync', 'now'], {}, { cwd: root })
      const held = new Set(ask(join(data, 'hub.db'), 'SELECT event_id FROM events'))
      return [
        ...(code === 0 ? [] : [`nothing is delivered: ${JSON.stringify(said ?? null)}`]),
        ...ids.filter((id) => !held.has(id)).map((id) => `the hub lacks ${id}`),
        ...storeFaults(path, ids),
      ]
    },
  }
}

/** A project with events for a hub that serves. */
async function linkedProject(world) {
  const { url, data } = await servingHub(world)
  const { issueToken } = await import('../dist/hub/access/tokens.js')
  const { token } = issueToken({ dataDir: data, team: TEAM, user: 'u' })
  const tokenFile = newPath(world, 'token')
  writeFileSync(tokenFile, token)
  const given = ['--hub', url, '--token-file', tokenFile, '--token-store', 'file', '--no-opt-in']
  await done(world, world.root, ['auth', 'login', ...given])
  return { ...(await recorded(world, ['sync', 'opt-in'])), data }
}

/** The world's own, which ends with it. */
function servingHub(world) {
  const known = serving.get(world) ?? serve(world)
  serving.set(world, known)
  return known
}

async function serve(world) {
  const folder = mkdtempSync(join(tmpdir(), 'kittiwake-swept-hub-'))
  const data = join(folder, 'data')
  const program = start(folder, process.env, ['hub', 'serve', '--port', '0', '--data', data])
  world.atEnd(() => {
    program.child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const { url } = await document(program, ({ ok }) => ok === true)
  for (const part of [program.child, program.child.stdin, program.child.stdout]) part.unref()
  return { url, data }
}
