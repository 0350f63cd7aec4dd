// What a command takes from its start to its end, beside a Node that does nothing.
import { execFileSync } from 'node:child_process'
import { createRuntime } from '#dist/index.js'
import { inTurn, row, timed } from './measure.mjs'
import { inFolder, MAIN, openProject } from './project.mjs'

const EMIT = ['emit', 'NoteTaken', '--aggregate', 'WP01', '--payload', '{"wp_id":"WP01"}']
const REACH = { '--version': 1.5, 'sync status': 2.5, emit: 3.5, 'decision answer': 5 }

export function rows(isShort) {
  const rounds = isShort ? 1 : 15
  const warmUps = isShort ? 0 : 2
  return inFolder(async (folder) => {
    const project = await openProject(folder)
    const questions = await ask(project, rounds + warmUps)
    const command = (args) => () => timed(() => run(project, [MAIN, ...args]))
    const answer = () => {
      const id = questions.pop()
      return command(['decision', 'answer', id, '--mission', project.mission, '--answer', 'Yes'])()
    }
    const { base, ...found } = await inTurn(
      { rounds, warmUps },
      {
        base: () => timed(() => run(project, ['-e', '0'])),
        '--version': command(['--version']),
        'sync status': command(['sync', 'status']),
        emit: command(EMIT),
        'decision answer': answer,
      },
    )
    return Object.entries(found).map(([name, ours]) => {
      return row({ figure: name, beside: 'node -e 0', ours, base, most: REACH[name] })
    })
  })
}

async function ask({ root, state, mission }, count) {
  const runtime = await createRuntime({ root, stateDirectory: state, link: 'manual' })
  try {
    const ids = []
    for (let at = 0; at < count; at += 1) {
      const asked = await runtime.decisions.request({ mission, question: `Question ${at}?` })
      ids.push(asked.decision_id)
    }
    return ids
  } finally {
    await runtime.stop()
  }
}

function run({ root, env }, args) {
  execFileSync(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] })
}
