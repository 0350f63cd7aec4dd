// The commands that record something, as data, and what they acknowledge.
import { isUp, pause } from './world.mjs'

const BATCH_LINES = [5, 60]
/** Codes with which a command may refuse; all but 0 and 7 say that something was not recorded. */
const EXITS = new Set([0, 1, 2, 3, 7, 8, 'SIGKILL'])
const LANE_AFTER = {
  planned: 'claimed',
  claimed: 'in_progress',
  in_progress: 'blocked',
  blocked: 'in_progress',
}

/** Each runs in a project and answers its arguments, its input, or null where it has nothing to do. */
const COMMANDS = {
  note: ({ text }) => {
    const [type, ...payload] = ['HistoryAdded', '--payload', JSON.stringify(noteOf(text()))]
    return { args: ['emit', type, '--aggregate', 'WP01', ...payload] }
  },
  batch: ({ text, random }) => ({
    args: ['emit', '--batch', '-'],
    input: notes(random.between(...BATCH_LINES), text),
  }),
  move: async ({ world, project }) => {
    const args = ['wp', 'list', '--mission', project.mission]
    const { documents } = await world.run(project.root, args)
    const lane = documents[0]?.work_packages?.find(({ wp_id }) => wp_id === 'WP01')?.lane
    if (!(lane in LANE_AFTER)) return null
    return { args: ['wp', 'move', 'WP01', LANE_AFTER[lane], '--mission', project.mission] }
  },
  answer: async ({ world, project, text }) => {
    const at = ['--mission', project.mission]
    const asked = await world.run(project.root, [
      'decision',
      'request',
      ...at,
      '--question',
      text(),
    ])
    const id = asked.documents[0]?.decision_id
    if (id === undefined) return null
    return { args: ['decision', 'answer', id, ...at, '--answer', text()] }
  },
}
const WEIGHTED = ['note', 'note', 'note', 'batch', 'batch', 'move', 'answer']

/** Lines for `emit --batch`. */
export function notes(count, text) {
  const line = () => ({ event_type: 'HistoryAdded', aggregate_id: 'WP01', payload: noteOf(text()) })
  return Array.from({ length: count }, () => JSON.stringify(line())).join('\n')
}

function noteOf(text) {
  return { wp_id: 'WP01', entry_type: 'note', author: 'agent', entry_content: text }
}

/** One line of people at work, one command after the other, some of which die. */
export class Producer {
  #world
  #record
  #random
  #count = 0

  constructor(world, record, random) {
    this.#world = world
    this.#record = record
    this.#random = random
  }

  async run(isOver) {
    while (!isOver()) {
      const project = this.#random.pick(this.#world.projects)
      const name = this.#random.pick(WEIGHTED)
      const fate = this.#random.next()
      const afterMs = this.#random.between(50, 900)
      // Who may record and who has withdrawn is settled while nobody records there.
      if (project.isChanging === true) await pause(afterMs)
      else await this.#one(project, name, { fate, afterMs })
    }
  }

  async #one(project, name, { fate, afterMs }) {
    project.busy = (project.busy ?? 0) + 1
    try {
      const world = this.#world
      const text = () => this.#text(project)
      const command = await COMMANDS[name]({ world, project, text, random: this.#random })
      if (command === null) return
      const { args, input } = command
      const program = world.start('producer', project.root, args, { input })
      if (fate < 0.15) await this.#strike(program, 'SIGKILL', afterMs)
      else if (fate < 0.25) await this.#strike(program, 'SIGSTOP', afterMs)
      this.#take(project, args, await program.ended)
    } finally {
      project.busy -= 1
    }
  }

  /** Whose words and folders they are must be gone before anything is stored. */
  #text(project) {
    this.#count += 1
    const { HOME } = this.#world.env
    const [, name, mail] = this.#world.personal
    const words = `${project.canary} ${project.period ?? 'for ever'} number ${this.#count}`
    return this.#count % 5 === 0 ? `${words}, see ${HOME}/notes.txt of ${name} <${mail}>` : words
  }

  async #strike({ child, ended }, signal, afterMs) {
    await Promise.race([pause(afterMs), ended])
    if (!isUp(child)) return
    child.kill(signal)
    if (signal === 'SIGKILL') return
    await pause(afterMs)
    child.kill('SIGCONT')
  }

  #take(project, args, { code, documents, err }) {
    this.#record.commands += 1
    const blame = (why) => this.#record.faults.push(`${args.slice(0, 2).join(' ')}: ${why}`)
    if (!EXITS.has(code)) blame(`ended with ${code}: ${err}`)
    if (/\n\s+at .*:\d+:\d+/.test(err)) blame(`printed a stack trace: ${err}`)
    const errors = documents.filter(({ ok }) => !ok).map(({ error }) => error?.code)
    if (errors.includes('INTERNAL')) blame('INTERNAL')
    for (const one of errors) this.#record.refusals[one] = (this.#record.refusals[one] ?? 0) + 1
    for (const document of documents) if (document.ok) this.#note(project, args, document)
  }

  #note({ uuid, period = null }, [verb], { event_id, commit }) {
    // An answer is in the ledger, and its commit is what travels.
    const isEvent = verb !== 'decision' && event_id !== undefined
    if (isEvent) this.#record.events.push({ project: uuid, id: event_id, period })
    const isCommit = typeof commit === 'string'
    if (isCommit) this.#record.commits.push({ project: uuid, id: commit, period })
  }
}
