// When the server is asked for what a pane shows: not while another question is under way, and a
// moment after the last change, so that dragging a slider asks once. Answers are kept by their key.

const KEPT_INQUIRIES = 12;
const QUIET_TIME = 450; // ms without a change

/**
 * @param ask (payload, onStage) -> promise of {...answer}, {error}, {stopped} or {dropped}
 * @param changed called whenever `state` has changed by itself
 */
export function createInquiry(ask, changed, quiet = QUIET_TIME) {
  const answers = new Map();
  let wanted = null;
  let busy = false;
  let running = false;
  let stage = null;
  let latest = null;
  let timer = 0;

  function plan(pause) {
    clearTimeout(timer);
    if (!wanted || busy || running || answers.has(wanted.key)) return;
    timer = setTimeout(start, pause);
  }

  async function start() {
    const { key, group, payload } = wanted;
    running = true;
    const answer = await ask(payload, (name, share = 0) => {
      stage = { name, share };
      changed();
    });
    running = false;
    stage = null;
    if (!answer.stopped && !answer.dropped) {
      answers.delete(key);
      answers.set(key, answer);
      if (answers.size > KEPT_INQUIRIES) answers.delete(answers.keys().next().value);
      if (!answer.error) latest = { group, answer };
    }
    plan(quiet); // perhaps something else is wanted by now
    changed();
  }

  return {
    /**
     * @param next {key, group, payload} or null; answers of one group (a photo) may stand in for
     *   each other until the right one is there
     */
    want(next, othersAsk) {
      const same = next?.key === wanted?.key && busy === othersAsk;
      const first = wanted === null;
      wanted = next;
      busy = othersAsk;
      if (!same) plan(first ? 0 : quiet);
    },
    /** Asks again after an error. */
    retry() {
      if (wanted) answers.delete(wanted.key);
      plan(0);
      changed();
    },
    /** {answer, older, stage}: `older` is an earlier answer while there is no answer yet. */
    get state() {
      const answer = wanted ? answers.get(wanted.key) ?? null : null;
      const older = !answer && wanted && latest?.group === wanted.group ? latest.answer : null;
      return { answer, older, stage };
    },
  };
}
