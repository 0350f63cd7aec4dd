// Which faults of the model were met, and in the middle of what: counted by those who made them, and the holes by name.

/** By number: what goes wrong, and during what it matters. */
export const FAULTS = {
  F01: fault(
    'killed at a change of the disk',
    'emit',
    'answer',
    'move',
    'resolve',
    'commit',
    'link',
  ),
  F02: fault('half of a write', 'emit', 'answer', 'move', 'resolve', 'commit'),
  F03: fault('power is cut', 'emit', 'answer', 'move', 'resolve', 'commit'),
  F04: fault('a tail of NUL bytes', 'read'),
  F05: fault('a thread dies', 'emit', 'answer', 'link'),
  F06: fault('a thread is stuck', 'emit', 'answer', 'link'),
  F07: fault('a thread dies at each start', 'emit'),
  F08: fault('the disk is full', 'work', 'hub', 'answer', 'move', 'resolve', 'commit'),
  F09: fault('a call of the disk fails', 'emit', 'answer', 'move', 'resolve', 'commit'),
  F10: fault('a folder may not be written', 'work'),
  F11: fault('no more files or threads', 'work'),
  F12: fault('a broken file of the project', 'read'),
  F13: fault('a broken sync state', 'read'),
  F14: fault('a broken database', 'read'),
  F15: fault('a database that is locked', 'emit'),
  F16: fault('two begin a project', 'init'),
  F17: fault('two deliver', 'link'),
  F18: fault('two record', 'emit', 'work'),
  F19: fault('native git meanwhile', 'commit'),
  F20: fault('a lock that stayed', 'commit'),
  F21: fault('a repository in another state', 'commit', 'read'),
  F22: fault('something is staged', 'commit'),
  F23: fault('history is rewritten', 'link'),
  F24: fault('a broken log', 'read'),
  F25: fault('the clock jumps', 'work'),
  F26: fault('the link is cut or silent', 'work'),
  F27: fault('a wrong acknowledgement', 'link'),
  F28: fault('an acknowledgement is lost', 'link', 'work'),
  F29: fault('a slow link', 'work', 'hub'),
  F30: fault('the hub starts again', 'work'),
  F31: fault('a wrong certificate', 'link'),
  F32: fault('a status that refuses', 'link', 'read'),
  F33: fault('a giant, deep or strange text', 'read', 'hub'),
  F34: fault('a frame that is none', 'read', 'hub'),
  F35: fault('a storm of connections', 'hub'),
  F36: fault('pings are missed', 'link'),
  F37: fault('told to end', 'work', 'emit'),
  F38: fault('an exception nobody takes', 'emit', 'answer', 'link', 'hub'),
  F39: fault('an end with work left', 'emit'),
  F40: fault('no more memory', 'work', 'hub'),
  F41: fault('two versions', 'read'),
  F42: fault('a copied project', 'link'),
  F43: fault('strange names', 'read'),
}

/** During what something falls that happens to a command; the others are of no state of their own. */
export const STATE_BY_COMMAND = {
  emit: 'emit',
  'decision answer': 'answer',
  'wp move': 'move',
  'glossary resolve': 'resolve',
  commit: 'commit',
}

/** Of so many `hits`, `{ fault, state, count }`, those faults and states that nothing met: `F01 link`. */
export function holesOf(hits) {
  const counts = countsOf(hits)
  return Object.entries(FAULTS).flatMap(([number, { states }]) =>
    states
      .filter((state) => !counts.has(`${number} ${state}`))
      .map((state) => `${number} ${state}`),
  )
}

/** One line for each fault that was met, then the holes. */
export function told(hits) {
  const counts = countsOf(hits)
  const lines = Object.entries(FAULTS).flatMap(([number, { title, states }]) => {
    const met = states.filter((state) => counts.has(`${number} ${state}`))
    if (met.length === 0) return []
    const cells = met.map((state) => `${state} ${counts.get(`${number} ${state}`)}`)
    return [`${number} ${title}: ${cells.join(', ')}`]
  })
  const holes = holesOf(hits).map((hole) => `${hole} (${FAULTS[hole.split(' ')[0]].title})`)
  return [...lines, `not met in this run: ${holes.join('; ') || 'nothing'}`]
}

function countsOf(hits) {
  const counts = new Map()
  for (const { fault, state, count } of hits) {
    if (FAULTS[fault]?.states.includes(state) !== true) {
      throw new Error(`${fault} during ${state} is not in the model`)
    }
    const key = `${fault} ${state}`
    if (count > 0) counts.set(key, count + (counts.get(key) ?? 0))
  }
  return counts
}

function fault(title, ...states) {
  return { title, states }
}
