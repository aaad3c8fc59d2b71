// Everything here is a convenience: the pages are complete without it.
(() => {
  "use strict";

  const addCopyButtons = (root) => {
    for (const code of root.querySelectorAll("code.tf-tex:not([data-ready])")) {
      code.dataset.ready = "";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "tf-copy";
      button.textContent = "Copy TeX";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy TeX"; }, 1500);
      });
      code.after(button);
    }
  };

  // A link into folded evidence opens it.
  const openTarget = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (folded) folded.open = true;
  };

  const start = () => { addCopyButtons(document); openTarget(); };
  if (window.document$) window.document$.subscribe(start); else document.addEventListener("DOMContentLoaded", start);
  addEventListener("hashchange", openTarget);
})();
