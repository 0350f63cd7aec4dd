// A project with a mission, a hub of its own and a login there, for what is recorded or pictured of a real run.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createToken } from '#dist/hub/access/tokens.js'
import { serveHub } from '#dist/hub/server.js'
import { createRuntime } from '#dist/index.js'
import { initProject } from '#dist/project/init.js'
import { locateRepository } from '#dist/project/git/locate.js'
import { writeLogin } from '#dist/project/login/login.js'
import { createMission } from '#dist/project/missions/mission-create.js'

/** In a folder that is there; whoever asks stops the runtime and `hub.server`, which may be served again. */
export async function makeSampleWorld(folder, { name, ...options }) {
  const project = join(folder, name)
  const git = (...args) => execFileSync('git', args, { cwd: project })
  mkdirSync(project)
  git('init', '-q', '-b', 'main')
  git('config', 'user.name', 'Sample')
  git('config', 'user.email', 'sample@example.test')
  git('commit', '-q', '--allow-empty', '-m', 'Start')
  await initProject(project)
  const topic = { slug: 'harbour', topology: 'coord' }
  const { directory: mission } = await createMission(await locateRepository(project), topic)
  const dataDir = join(folder, 'hub')
  const server = await serveHub({ dataDir })
  const token = createToken({ dataDir, team: 'acme', user: 'sam' })
  const stateDirectory = join(folder, 'state')
  writeLogin(stateDirectory, { hub: server.url, token, team_slug: 'acme' })
  const runtime = await createRuntime({ root: project, stateDirectory, link: 'manual', ...options })
  const note = (text) =>
    runtime.emit({
      event_type: 'HistoryAdded',
      aggregate_id: 'WP01',
      mission,
      payload: { wp_id: 'WP01', entry_type: 'note', entry_content: text, author: 'agent' },
    })
  const serveAgain = () => serveHub({ dataDir, port: server.port })
  return { runtime, mission, note, hub: { server, serveAgain } }
}
