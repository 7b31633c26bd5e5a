"""The words that users of other tools type, and what they are called here.

An answer is given where all flags that it names exist: those of images differ from those of text.
``{command}`` in it is the command that was called.
"""

import re
from collections.abc import Collection, Mapping

from gancli.errors import suggest

_FLAG = re.compile(r"(?<![\w-])--?[a-z0-9][a-z0-9-]*")

# Words are written without hyphens and underscores. Of the answers the first that applies counts.
_SHARED: dict[str, tuple[str, ...]] = {
    "b bs batchsize minibatch minibatchsize trainbatchsize batchgpu perdevicebatchsize": (
        "Use --batch.",
    ),
    "gpu gpus cuda usecuda usegpu ngpu ngpus numgpus gpuid gpuids": (
        "Use --device cuda; auto, the default, takes a GPU if there is one.",
    ),
    "cpu nocuda nogpu usecpu": ("Use --device cpu.",),
    "metal usemps": ("Use --device mps.",),
    "s randomseed manualseed randomstate rngseed": ("Use --seed.",),
    "out output outputs outdir outputdir outputpath outputfolder outputfile outfile dest "
    "destination savedir savepath saveto resultsdir rundir logdir workdir expdir experiment "
    "expname runname": ("Use -o.",),
    "debug traceback": ("Use -v for the traceback of an error.",),
    "silent noprogress": ("Use -q.",),
    "overwrite replace clobber y yes": ("Use --force.",),
    "length maxlen seqlen seqlength sequencelength maxseqlen maxsequencelength blocksize "
    "contextlength contextsize maxtokens maxnewtokens ntokens": ("Use --max-length.",),
    "cliplength cliplen clipduration segmentlength audiolength": ("Use --length, such as 1s.",),
}

TRAIN: dict[str, tuple[str, ...]] = {
    **_SHARED,
    "e epoch epochs nepochs nepoch numepochs numtrainepochs maxepochs trainepochs niter kimg "
    "totalkimg": (
        "Use --time 10m, --steps 5000 or --images 300000 (epochs times the items of the data).",
    ),
    "items samples nitems numitems nsamples": ("Use --images, which counts items of any kind.",),
    "iter iters iteration iterations niters numiter numiters numiterations maxiter maxiters "
    "maxiterations nsteps nstep numsteps maxsteps totalsteps trainsteps trainiters updates": (
        "Use --steps 5000, or --time 10m.",
    ),
    "minutes hours seconds duration maxtime timelimit timeout budget": ("Use --time 10m.",),
    "learningrate learnrate baselr initlr stepsize adamlr": (
        "Use --lr for the first phase, --g-lr and --d-lr for the adversarial one.",
        "Use --g-lr and --d-lr.",
    ),
    "lr": ("Use --g-lr and --d-lr.",),
    "lrg glr lrgen generatorlr genlr": ("Use --g-lr.",),
    "lrd dlr lrdisc discriminatorlr disclr criticlr": ("Use --d-lr.",),
    "hidden hiddensize hiddendim hiddenunits hiddenlayersize nhidden nhid units nunits rnnsize "
    "dim dims dmodel modeldim nembd width basewidth basechannels nf ch filters nfilters "
    "networkcapacity capacity fmaps fmapbase cbase cmax": (
        "Use --g-width and --d-width.",
    ),
    "ngf gf gfdim": ("Use --g-width.",),
    "ndf df dfdim": ("Use --d-width.",),
    "layer nlayers nlayer numlayers numhiddenlayers depth nblocks": (
        "Use --g-layers and --d-layers.",
        "The number of layers follows --size; --g-width and --d-width say how wide they are.",
    ),
    "z nz zdim zsize zdimension dimz latentdim latentdims latentsize latentdimension latents "
    "noisedim noisesize": ("Use --latent.",),
    "amp fp16 half bf16 float16 bfloat16 mixedprecision autocast dtype": ("Use --precision bf16.",),
    "fp32 float32 notf32": ("Use --precision fp32.",),
    "imagesize imgsize imsize resolution res imageresolution targetsize cropsize px loadsize": (
        "Use --size.",
    ),
    "data dataset datasets datapath dataroot dataroots datadir datafolder input inputs inputdir "
    "traindata traindir trainpath trainfile corpus path folder source src": (
        "Name the data without a flag: {command} DATA.",
    ),
    "name runs": ("Use -o for the directory of the run.",),
    "model checkpoint checkpoints ckpt ckptpath loadfrom load loadmodel pretrained restore restart "
    "continue resumefrom resumetraining weights": ("Use --resume RUN to continue a run.",),
    "workers numworkers nworkers worker threads numthreads nthreads jobs j cpus nprocs": (
        "Use --threads; reading the data needs no workers, since it is read once.",
    ),
    "val validation valsplit valsize valfraction valratio validationsplit testsplit testsize": (
        "Use --holdout.",
    ),
    "snap snapshot snapshots snapshotevery saveinterval savefreq savefrequency savesteps saveiter "
    "saveiters checkpointevery checkpointinterval checkpointfreq ckptevery sampleinterval "
    "evalinterval logevery loginterval": ("Use --save-every.",),
    "tb wandb logger log logging": (
        "Figures are in the run's metrics.jsonl and report.html; --tensorboard writes events too.",
    ),
    "aug augs augmentation augmentations dataaugmentation diffaug diffaugment ada augpipe": (
        "Use --augment.",
    ),
    "flip hflip horizontalflip randomflip xflip randomhorizontalflip": ("Use --mirror.",),
    "noflip noaug noaugment noaugmentation": ("Use --augment none, and leave out --mirror.",),
    "cond conditional conditioning cgan classcond classconditional label class classes nclasses "
    "numclasses ncls": ("Use --labels; folders that look like classes become classes anyway.",),
    "unconditional uncond nolabels": ("Use --labels none.",),
    "gray grey grayscale greyscale monochrome blackandwhite": ("Use --channels L.",),
    "mono": ("Use --channels 1; sounds are mixed to mono anyway.",),
    "rgb color colour": ("Use --channels RGB.",),
    "rgba alpha transparent transparency": ("Use --channels RGBA.",),
    "nc nchannels numchannels inchannels imgchannels channel": ("Use --channels.",),
    "stereo": ("Use --channels 2.",),
    "crop centercrop randomcrop resize pad padding letterbox stretch keepaspect preprocess": (
        "Use --fit crop, pad or stretch.",
    ),
    "ncritic ncritics criticiters criticsteps critic ndis ndisc diters dstep dsteps discsteps": (
        "Use --d-steps.",
    ),
    "lambdagp gplambda gpweight gradientpenalty gradpenalty wgangp": ("Use --gp 10.",),
    "gamma r1gamma lambdar1 r1weight regweight": ("Use --r1 and --r2.",),
    "spectralnorm sn specnorm": ("Use --d-norm spectral.",),
    "batchnorm bn": ("Use --g-norm batch.",),
    "norm normalization normalisation": ("Use --g-norm and --d-norm.",),
    "loss losstype lossfn lossfunction ganloss ganmode ganlosstype criterion advloss": (
        "Use --objective.", "Use --estimator.",
    ),
    "arch architecture network net type gantype cfg": ("Use --preset.",),
    "b1 beta betas adambeta1 momentum": ("Use --beta1.", "Adam is used with its usual momentum."),
    "b2 adambeta2": ("Use --beta2.",),
    "optim optimizer optimiser adam sgd rmsprop": (
        "Adam is used throughout; --beta1 and --beta2 set its decays.", "Adam is used throughout.",
    ),
    "wd weightdecay l2": (
        "There is no weight decay; --r1 and --r2 keep the discriminator in check.",
        "There is no weight decay.",
    ),
    "dropout dropoutrate dropoutp pdrop": (
        "Use --g-dropout and --d-dropout.", "The networks have no dropout.",
    ),
    "emadecay emarate emabeta emakimg emahalflife averaging swa": ("Use --ema.",),
    "scheduler lrscheduler lrschedule lrdecay decay cosine annealing lrpolicy": (
        "Use --lr-end, the fraction of the learning rates that is left at the end.",
        "The learning rates fall by themselves as the budget is spent.",
    ),
    "warmup warmupsteps pretrain pretraining pretrainepochs": ("Use --warm-start.",),
    "gradclip gradclipping gradientclip gradientclipping clipgrad clipnorm maxgradnorm maxnorm": (
        "Use --clip.",
    ),
    "patience earlystop earlystopping": (
        "The best generator is kept anyway, and likelihood ends early by itself.",
    ),
    "tokenizer tokeniser tokenization tokenize tokenlevel level charlevel wordlevel": (
        "Use --tokens.",
    ),
    "vocab vocabsize vocabularysize nvocab maxvocab minfreq": ("Use --vocabulary.",),
    "emb embed embdim embsize embeddim embedsize embeddingdim embeddingsize": ("Use --embedding.",),
    "rnn rnntype celltype lstm gru transformer cell": ("Use --g-cell and --d-cell.",),
    "bidirectional bidir birnn": ("Use --d-direction both.",),
    "column textcolumn textfield key": ("Use --text-column, or --field for JSON lines.",),
    "sr fs samplerate samplingrate samplefreq": ("Use --rate.",),
    "nmels nmel melbins mels mel numfilters": ("Use --bins.",),
    "hoplength hopsize hoplen stride nfft fftsize winlength winsize windowsize": (
        "Use --hop; the window follows it.",
    ),
    "silence trimsilence topdb": ("Use --trim or --no-trim.",),
}

SAMPLE: dict[str, tuple[str, ...]] = {
    **_SHARED,
    "num nums number count numsamples nsamples nsample samples numberofsamples numimages nimages "
    "images ngenerate ngenerated numsequences numreturnsequences howmany total": ("Use -n.",),
    "model modelpath modeldir checkpoint ckpt ckptpath weights network networkpkl pkl load run "
    "resume": ("Name the model or the run without a flag: {command} MODEL.",),
    "psi trunc truncpsi truncationpsi": ("Use --truncation.",),
    "imagesize imgsize size resolution res width height": (
        "A model makes pictures of the size that it was trained with.",
    ),
    "label labels classid classidx classindex classname classes category target": (
        "Use --class.",
    ),
    "reject rejection rejectionsampling drs nbest bestof rerank candidates": ("Use --guided.",),
    "guidance guidancescale cfg cfgscale": ("Use --guided.",),
    "nrow nrows rows ncols cols columns makegrid sheet montage": ("Use --grid.",),
    "ext extension type fileformat imageformat outputformat suffix": (
        "Use --format, or a suffix after -o.",
    ),
    "interp interpolation interpolations lerp slerp walk latentwalk video frames nframes gif": (
        "Use --interpolate.",
    ),
    "t temp": ("Use --temperature.",),
    "nucleus p": ("Use --top-p.",),
    "k": ("Use --top-k.",),
    "startwith start primetext primer seedtext starttext prefix context input beginning": (
        "Use --prompt.",
    ),
    "ndjson jsonlines": ("Use --jsonl.",),
    "print0 zero nul": ("Use -0.",),
    "pause silence": ("Use --gap.",),
    "seconds duration": ("Use --length, such as 1s.",),
    "pcm headerless": ("Use --raw.",),
}

COMMANDS: dict[str, str] = {
    "generate gen synthesize synthesise synth infer inference predict draw dream create": "sample",
    "fit learn new start finetune": "train",
    "list ls zoo catalog catalogue pretrained samples": "models",
    "show describe summary inspect stats params": "info",
    "check diagnose env environment setup status": "doctor",
    "convert onnx save": "export",
    "images img imgs picture pictures pic pics photo photos vision": "image",
    "texts txt word words language lm lines": "text",
    "sound sounds music wav wavs speech voice": "audio",
    "resume continue": "train image --resume RUN",
    "version": "--version",
    "completion completions": "--install-completion",
    "usage man manual": "help",
}

VALUES: dict[str, tuple[str, ...]] = {
    "gpu nvidia cuda0 0 rocm": ("cuda",),
    "metal apple m1": ("mps",),
    "half fp16 float16 16 mixed amp bfloat16 16mixed": ("bf16",),
    "full float float32 single 32 tf32": ("fp32",),
    "off no false never disable disabled linear identity 0": ("none",),
    "on yes true": ("all", "auto"),
    "gray grey grayscale greyscale mono monochrome 1": ("L",),
    "color colour 3": ("RGB",),
    "transparent alpha 4": ("RGBA",),
    "folder dir dirs directory directories subfolder subfolders imagefolder": ("folders",),
    "columns": ("column",),
    "bn batchnorm batchnorm2d": ("batch",),
    "sn spectralnorm": ("spectral",),
    "in instancenorm": ("instance",),
    "ln layernorm": ("layer",),
    "gn groupnorm": ("group",),
    "adain conditional cbn conditionalbatch style": ("modulated",),
    "leaky lrelu leakyrelu": ("leaky_relu",),
    "swish": ("silu",),
    "deconv convtranspose convtransposed transpose convtranspose2d": ("transposed",),
    "bilinear bicubic upsample resize interpolate": ("nearest",),
    "pixelshuffle subpixel": ("shuffle",),
    "strided conv": ("stride",),
    "avg mean avgpool averagepool": ("average",),
    "maxpool": ("max",),
    "global globalpool gap": ("pool",),
    "vanilla standard gan ns nonsaturating minimax original crossentropy": ("bce",),
    "ls lsgan mse l2": ("least-squares",),
    "wgan wgangp w": ("wasserstein",),
    "rgan ragan rpgan r3gan relativ": ("relativistic",),
    "diffaug diffaugment ada": ("all",),
    "kaiming": ("he",),
    "xavier glorot default pytorch": ("torch",),
    "dc": ("dcgan",),
    "attention transformers gpt": ("transformer",),
    "elman vanillarnn simple": ("rnn",),
    "char chars character characters letters": ("char",),
    "words wordlevel": ("word",),
    "bytes": ("byte",),
    "subword subwords sentencepiece wordpiece": ("bpe",),
    "line newline": ("lines",),
    "paragraph blocks": ("paragraphs",),
    "window windows sliding continuous": ("stream",),
    "bidirectional bi backward": ("both",),
    "reinforce policygradient seqgan": ("score",),
    "gumbelsoftmax": ("gumbel",),
    "jpg": ("jpeg",),
    "wave": ("wav",),
    "vorbis": ("ogg",),
    "square centercrop": ("crop",),
    "letterbox padding": ("pad",),
    "resize squash": ("stretch",),
}


def squashed(word: str) -> str:
    """Return a word as the tables have it: in lower case, without hyphens and underscores."""
    return re.sub(r"[\W_]", "", word.lower())


def answer(
    word: str, table: Mapping[str, tuple[str, ...]], flags: Collection[str], command: str
) -> str | None:
    """Return what a flag of another tool is called here, or nothing where that is not there.

    Args:
        word: The flag as it was typed, with or without its hyphens.
        table: ``TRAIN`` or ``SAMPLE``.
        flags: Those that the command has.
        command: The command, as it is typed.

    Returns:
        A sentence; it is empty if the command has nothing like it, and None if the word is not in
        the table.
    """
    known = False
    for words, answers in table.items():
        if squashed(word) in words.split():
            known = True
            for sentence in answers:
                if set(_FLAG.findall(sentence)) <= set(flags):
                    return sentence.format(command=command)
    return "" if known else None


def command_for(word: str, commands: Collection[str]) -> str:
    """Return what a command or a modality of another tool is called here, or nothing."""
    for words, name in COMMANDS.items():
        if squashed(word) in words.split() and (name in commands or " " in name or "-" in name):
            return name
    return ""


def suggest_choice(word: str, choices: Collection[str]) -> str:
    """Return a hint that names the choice that a word of another tool means, or the nearest."""
    for words, meanings in VALUES.items():
        for choice in meanings:
            if squashed(word) in words.split() and choice in choices:
                return f"Did you mean {choice}?"
    return suggest(word, choices)
